// Ed25519 in the browser: what hub/statements.py and hub/releases.py do, so that a private key needn't leave the page.
const IN_TOTO = "application/vnd.in-toto+json";
const STATEMENT = "https://in-toto.io/Statement/v1";
const PKCS8 = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]; // then 32 bytes
const KEY_FILE = 1000; // Bytes; a key has 44.

// Say whether this browser signs here: it must know Ed25519, and the page must have come over HTTPS or from this machine.
export async function canSign() {
  try {
    await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
    return true;
  } catch {
    return false;
  }
}

// A key as its file has it: base64 of 32 bytes. Throws an Error, in words for people, for what's none.
export async function keyIn(file) {
  if (file.size > KEY_FILE) throw new Error(`${file.name} is no key file: it’s too large.`);
  let seed;
  try {
    seed = unbase64((await file.text()).trim());
  } catch {
    seed = [];
  }
  if (seed.length !== 32) throw new Error(`${file.name} is no key file: one holds 32 bytes in base64.`);
  return keyOf(Uint8Array.from([...PKCS8, ...seed]));
}

export async function freshKey() {
  const { privateKey } = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  return keyOf(new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey)));
}

async function keyOf(pkcs8) {
  const whole = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", whole);
  const known = unbase64(x.replaceAll("-", "+").replaceAll("_", "/"));
  return { private: whole, public: base64(known), id: (await digest(known)).slice(0, 16), file: () => base64(pkcs8.slice(-32)) };
}

// A publisher's statement that these bytes are a version, in its envelope.
export async function sealRelease(key, { name, version, archive, permissions }) {
  return seal(key, {
    _type: STATEMENT,
    subject: [{ name, digest: { sha256: await digest(archive) } }],
    predicateType: "urn:agenthost:release:v1",
    predicate: { version, size: archive.byteLength, permissions: [...permissions].sort(), time: new Date().toISOString() },
  });
}

// The old key's statement that a new one takes its place.
export async function sealRotation(old, publisher, fresh) {
  return seal(old, {
    _type: STATEMENT,
    subject: [{ name: publisher, digest: { sha256: await digest(unbase64(fresh.public)) } }],
    predicateType: "urn:agenthost:rotation:v1",
    predicate: { old: old.id, public: fresh.public, time: new Date().toISOString() },
  });
}

// DSSE: what's signed is the payload's type and the payload, each with its length.
async function seal(key, stated) {
  const payload = new TextEncoder().encode(JSON.stringify(stated));
  const head = new TextEncoder().encode(`DSSEv1 ${IN_TOTO.length} ${IN_TOTO} ${payload.length} `);
  const sig = new Uint8Array(await crypto.subtle.sign("Ed25519", key.private, Uint8Array.from([...head, ...payload])));
  return { payloadType: IN_TOTO, payload: base64(payload), signatures: [{ keyid: key.id, sig: base64(sig) }] };
}

// What an envelope states, unchecked; null if it's none.
export function statedIn(text) {
  try {
    const envelope = JSON.parse(text);
    const stated = JSON.parse(new TextDecoder().decode(unbase64(envelope.payload)));
    return { name: stated.subject[0].name, version: stated.predicate.version, key: envelope.signatures[0].keyid };
  } catch {
    return null;
  }
}

export async function digest(bytes) {
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(sum, (n) => n.toString(16).padStart(2, "0")).join("");
}

const base64 = (bytes) => btoa(Array.from(bytes, (n) => String.fromCharCode(n)).join(""));
const unbase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
