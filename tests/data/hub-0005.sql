BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0005');
CREATE TABLE corrections (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	message TEXT NOT NULL, 
	wrong TEXT NOT NULL, 
	"right" TEXT NOT NULL, 
	route TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE counters (
	name TEXT NOT NULL, 
	value BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "counters" VALUES('events',39);
CREATE TABLE entries (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	queue TEXT NOT NULL, 
	lane TEXT NOT NULL, 
	message TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	due_at BIGINT, 
	boot TEXT, 
	attempts INTEGER NOT NULL, 
	deaths INTEGER NOT NULL, 
	error TEXT, 
	revision INTEGER NOT NULL, 
	person TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "entries" VALUES('01a2280f25e52c0c70b6e26fef99','home','inbox','task:01a2280f265c5b553f772daa52de','01a2280f25e51299744263e6d46b','done',1795348800000000,NULL,NULL,1,0,NULL,3,'owner');
INSERT INTO "entries" VALUES('01a2280f289d586ddfef3c38c521','home','inbox','task:01a2280f28cf0e238a1eee35b579','01a2280f289d39bf45f76f9c2e36','done',1795348800000000,NULL,NULL,1,0,NULL,4,'owner');
INSERT INTO "entries" VALUES('01a2280f29491006b2cdf1ef412f','home','inbox','task:01a2280f294864aed1151d502a38','01a2280f29452fe22a311a70cd0a','done',1795348800000000,NULL,NULL,1,0,NULL,2,'owner');
INSERT INTO "entries" VALUES('01a2280f297e53115fd05806b54b','home','inbox','task:01a2280f297d0e4f567baf93fb66','01a2280f297c30bf52ac7312e934','done',1795348800000000,NULL,NULL,1,0,NULL,2,'owner');
CREATE TABLE events (
	seq INTEGER NOT NULL, 
	tenant TEXT NOT NULL, 
	person TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	message TEXT, 
	task TEXT, 
	turn TEXT, 
	PRIMARY KEY (seq)
);
INSERT INTO "events" VALUES(1,'home','owner','message',1795348800000000,'01a2280f25e51299744263e6d46b',NULL,NULL);
INSERT INTO "events" VALUES(2,'home','owner','route',1795348800000000,'01a2280f25e51299744263e6d46b','01a2280f265c5b553f772daa52de',NULL);
INSERT INTO "events" VALUES(3,'home','owner','task',1795348800000000,NULL,'01a2280f265c5b553f772daa52de',NULL);
INSERT INTO "events" VALUES(4,'home','owner','turn',1795348800000000,NULL,'01a2280f265c5b553f772daa52de','01a2280f27b05fbe66723be2176f');
INSERT INTO "events" VALUES(5,'home','owner','task',1795348800000000,NULL,'01a2280f265c5b553f772daa52de',NULL);
INSERT INTO "events" VALUES(6,'home','owner','message',1795348800000000,'01a2280f25e51299744263e6d46b','01a2280f265c5b553f772daa52de','01a2280f27b05fbe66723be2176f');
INSERT INTO "events" VALUES(7,'home','owner','reply',1795348800000000,'01a2280f28700154f467005e0ca5','01a2280f265c5b553f772daa52de','01a2280f27b05fbe66723be2176f');
INSERT INTO "events" VALUES(8,'home','owner','turn',1795348800000000,NULL,'01a2280f265c5b553f772daa52de','01a2280f27b05fbe66723be2176f');
INSERT INTO "events" VALUES(9,'home','owner','task',1795348800000000,NULL,'01a2280f265c5b553f772daa52de',NULL);
INSERT INTO "events" VALUES(10,'home','owner','message',1795348800000000,'01a2280f289d39bf45f76f9c2e36',NULL,NULL);
INSERT INTO "events" VALUES(11,'home','owner','route',1795348800000000,'01a2280f289d39bf45f76f9c2e36','01a2280f28cf0e238a1eee35b579',NULL);
INSERT INTO "events" VALUES(12,'home','owner','task',1795348800000000,NULL,'01a2280f28cf0e238a1eee35b579',NULL);
INSERT INTO "events" VALUES(13,'home','owner','turn',1795348800000000,NULL,'01a2280f28cf0e238a1eee35b579','01a2280f28e82988af5e4c2dfc95');
INSERT INTO "events" VALUES(14,'home','owner','task',1795348800000000,NULL,'01a2280f28cf0e238a1eee35b579',NULL);
INSERT INTO "events" VALUES(15,'home','owner','message',1795348800000000,'01a2280f289d39bf45f76f9c2e36','01a2280f28cf0e238a1eee35b579','01a2280f28e82988af5e4c2dfc95');
INSERT INTO "events" VALUES(16,'home','owner','notice',1795348800000000,'01a2280f291b15efad3a96af2373','01a2280f28cf0e238a1eee35b579','01a2280f28e82988af5e4c2dfc95');
INSERT INTO "events" VALUES(17,'home','owner','turn',1795348800000000,NULL,'01a2280f28cf0e238a1eee35b579','01a2280f28e82988af5e4c2dfc95');
INSERT INTO "events" VALUES(18,'home','owner','task',1795348800000000,NULL,'01a2280f28cf0e238a1eee35b579',NULL);
INSERT INTO "events" VALUES(19,'home','owner','approval',1795348800000000,NULL,'01a2280f28cf0e238a1eee35b579','01a2280f28e82988af5e4c2dfc95');
INSERT INTO "events" VALUES(20,'home','owner','message',1795348800000000,'01a2280f29452fe22a311a70cd0a','01a2280f294864aed1151d502a38',NULL);
INSERT INTO "events" VALUES(21,'home','owner','task',1795348800000000,NULL,'01a2280f294864aed1151d502a38',NULL);
INSERT INTO "events" VALUES(22,'home','owner','turn',1795348800000000,NULL,'01a2280f294864aed1151d502a38','01a2280f296a5fa9c3def7bdd778');
INSERT INTO "events" VALUES(23,'home','owner','task',1795348800000000,NULL,'01a2280f294864aed1151d502a38',NULL);
INSERT INTO "events" VALUES(24,'home','owner','message',1795348800000000,'01a2280f29452fe22a311a70cd0a','01a2280f294864aed1151d502a38','01a2280f296a5fa9c3def7bdd778');
INSERT INTO "events" VALUES(25,'home','owner','reply',1795348800000000,'01a2280f29753c7dd42eefb5ae22','01a2280f294864aed1151d502a38','01a2280f296a5fa9c3def7bdd778');
INSERT INTO "events" VALUES(26,'home','owner','turn',1795348800000000,NULL,'01a2280f294864aed1151d502a38','01a2280f296a5fa9c3def7bdd778');
INSERT INTO "events" VALUES(27,'home','owner','task',1795348800000000,NULL,'01a2280f294864aed1151d502a38',NULL);
INSERT INTO "events" VALUES(28,'home','owner','message',1795348800000000,'01a2280f297c30bf52ac7312e934','01a2280f297d0e4f567baf93fb66',NULL);
INSERT INTO "events" VALUES(29,'home','owner','task',1795348800000000,NULL,'01a2280f297d0e4f567baf93fb66',NULL);
INSERT INTO "events" VALUES(30,'home','owner','turn',1795348800000000,NULL,'01a2280f297d0e4f567baf93fb66','01a2280f298209d44d9706c5447a');
INSERT INTO "events" VALUES(31,'home','owner','task',1795348800000000,NULL,'01a2280f297d0e4f567baf93fb66',NULL);
INSERT INTO "events" VALUES(32,'home','owner','message',1795348800000000,'01a2280f297c30bf52ac7312e934','01a2280f297d0e4f567baf93fb66','01a2280f298209d44d9706c5447a');
INSERT INTO "events" VALUES(33,'home','owner','reply',1795348800000000,'01a2280f298f12b1860120db15b8','01a2280f297d0e4f567baf93fb66','01a2280f298209d44d9706c5447a');
INSERT INTO "events" VALUES(34,'home','owner','turn',1795348800000000,NULL,'01a2280f297d0e4f567baf93fb66','01a2280f298209d44d9706c5447a');
INSERT INTO "events" VALUES(35,'home','owner','task',1795348800000000,NULL,'01a2280f297d0e4f567baf93fb66',NULL);
INSERT INTO "events" VALUES(36,'home','owner','message',1795348800000000,'01a2280f29956b40d18d0e289123','01a2280f29963a21df53959396c0',NULL);
INSERT INTO "events" VALUES(37,'home','owner','task',1795348800000000,NULL,'01a2280f29963a21df53959396c0',NULL);
INSERT INTO "events" VALUES(38,'home','owner','message',1795348800000000,'01a2280f29990cfabdd0fb362615','01a2280f299a068e735a8553464f',NULL);
INSERT INTO "events" VALUES(39,'home','owner','task',1795348800000000,NULL,'01a2280f299a068e735a8553464f',NULL);
CREATE TABLE follows (
	task TEXT NOT NULL, 
	bridge TEXT NOT NULL, 
	chat TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	person TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (task, bridge, chat)
);
CREATE TABLE installations (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	source TEXT NOT NULL, 
	grants TEXT NOT NULL, 
	state TEXT NOT NULL, 
	package TEXT, 
	digest TEXT NOT NULL, 
	found TEXT NOT NULL, 
	error TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	revision INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE keys (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	person TEXT NOT NULL, 
	name TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	scopes TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT, 
	revoked_at BIGINT, 
	PRIMARY KEY (id), 
	UNIQUE (hash)
);
CREATE TABLE links (
	tenant TEXT NOT NULL, 
	bridge TEXT NOT NULL, 
	sender TEXT NOT NULL, 
	person TEXT NOT NULL, 
	created_at BIGINT NOT NULL, chat TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (tenant, bridge, sender)
);
CREATE TABLE messages (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	bridge TEXT NOT NULL, 
	chat TEXT NOT NULL, 
	thread TEXT, 
	external_id TEXT NOT NULL, 
	role TEXT NOT NULL, 
	person TEXT NOT NULL, 
	parts TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	reply_to TEXT, 
	answers TEXT, 
	task TEXT, 
	turn TEXT, 
	route TEXT, 
	wish TEXT, 
	agent TEXT, 
	choices TEXT NOT NULL, 
	error TEXT, sender TEXT DEFAULT '' NOT NULL, name TEXT DEFAULT '' NOT NULL, author TEXT, choice TEXT, corrects TEXT, copy_of TEXT, 
	PRIMARY KEY (id), 
	UNIQUE (tenant, bridge, chat, external_id)
);
INSERT INTO "messages" VALUES('01a2280f25e51299744263e6d46b','home','http','owner/main',NULL,'01a2280f25e02689631fa2a1b2ce','user','owner','[{"type":"text","text":"probe it: make me some tea"}]','answered',1795348800000000,NULL,NULL,'01a2280f265c5b553f772daa52de','01a2280f27b05fbe66723be2176f','{"rule":"first","task":"01a2280f265c5b553f772daa52de","new":true,"probability":1.0,"candidates":[],"model":"","tokens":0,"ms":0.0}',NULL,NULL,'[]',NULL,'owner','',NULL,NULL,NULL,NULL);
INSERT INTO "messages" VALUES('01a2280f28700154f467005e0ca5','home','http','owner/main',NULL,'01a2280f28700154f467005e0ca5','agent','owner','[{"type":"text","text":"Which tea would you like?"}]','sent',1795348800000000,NULL,'01a2280f25e51299744263e6d46b','01a2280f265c5b553f772daa52de','01a2280f27b05fbe66723be2176f',NULL,NULL,NULL,'[]',NULL,'','',NULL,NULL,NULL,NULL);
INSERT INTO "messages" VALUES('01a2280f289d39bf45f76f9c2e36','home','http','owner/main',NULL,'01a2280f289d15c146d55d1fb931','user','owner','[{"type":"text","text":"send Hello to Bob"}]','answered',1795348800000000,NULL,NULL,'01a2280f28cf0e238a1eee35b579','01a2280f28e82988af5e4c2dfc95','{"rule":"explicit","task":"01a2280f28cf0e238a1eee35b579","new":true,"probability":1.0,"candidates":[],"model":"","tokens":0,"ms":0.0}','new',NULL,'[]',NULL,'owner','',NULL,NULL,NULL,NULL);
INSERT INTO "messages" VALUES('01a2280f291b15efad3a96af2373','home','http','owner/main',NULL,'01a2280f291b15efad3a96af2373','notice','owner','[{"type":"text","text":"May I call `send` for #2 send Hello to Bob? With exactly this:\n\n```json\n{\n  \"text\": \"Hello Bob\",\n  \"to\": \"bob\"\n}\n```\n\nWhy I ask: send asks before each call\n\nUntil 12:10 UTC: approve or deny it, or write `/approve 2` or `/deny 2`. Otherwise it isn''t done."}]','sent',1795348800000000,NULL,'01a2280f289d39bf45f76f9c2e36','01a2280f28cf0e238a1eee35b579','01a2280f28e82988af5e4c2dfc95',NULL,NULL,NULL,'[{"id":"leave/01a2280f29193faeaace136570e0/approve","text":"Approve"},{"id":"leave/01a2280f29193faeaace136570e0/deny","text":"Deny"}]',NULL,'','',NULL,NULL,NULL,NULL);
INSERT INTO "messages" VALUES('01a2280f29452fe22a311a70cd0a','home','http','owner/main',NULL,'Write a poem about rain','user','owner','[{"type":"text","text":"Write a poem about rain"}]','answered',1795348800000000,NULL,NULL,'01a2280f294864aed1151d502a38','01a2280f296a5fa9c3def7bdd778','{"rule":"explicit","task":"01a2280f294864aed1151d502a38","new":true,"probability":1.0,"candidates":[],"model":"","tokens":0,"ms":0.0}',NULL,NULL,'[]',NULL,'owner','',NULL,NULL,NULL,NULL);
INSERT INTO "messages" VALUES('01a2280f29753c7dd42eefb5ae22','home','http','owner/main',NULL,'01a2280f29753c7dd42eefb5ae22','agent','owner','[{"type":"text","text":"Spring rain or autumn rain?"}]','sent',1795348800000000,NULL,'01a2280f29452fe22a311a70cd0a','01a2280f294864aed1151d502a38','01a2280f296a5fa9c3def7bdd778',NULL,NULL,NULL,'[]',NULL,'','',NULL,NULL,NULL,NULL);
INSERT INTO "messages" VALUES('01a2280f297c30bf52ac7312e934','home','http','owner/main',NULL,'Make a list of ten towns','user','owner','[{"type":"text","text":"Make a list of ten towns"}]','answered',1795348800000000,NULL,NULL,'01a2280f297d0e4f567baf93fb66','01a2280f298209d44d9706c5447a','{"rule":"explicit","task":"01a2280f297d0e4f567baf93fb66","new":true,"probability":1.0,"candidates":[],"model":"","tokens":0,"ms":0.0}',NULL,NULL,'[]',NULL,'owner','',NULL,NULL,NULL,NULL);
INSERT INTO "messages" VALUES('01a2280f298f12b1860120db15b8','home','http','owner/main',NULL,'01a2280f298f12b1860120db15b8','agent','owner','[{"type":"text","text":"Half of the list."}]','sent',1795348800000000,NULL,'01a2280f297c30bf52ac7312e934','01a2280f297d0e4f567baf93fb66','01a2280f298209d44d9706c5447a',NULL,NULL,NULL,'[]',NULL,'','',NULL,NULL,NULL,NULL);
INSERT INTO "messages" VALUES('01a2280f29956b40d18d0e289123','home','http','owner/main',NULL,'Say good morning','user','owner','[{"type":"text","text":"Say good morning"}]','answered',1795348800000000,NULL,NULL,'01a2280f29963a21df53959396c0',NULL,'{"rule":"explicit","task":"01a2280f29963a21df53959396c0","new":true,"probability":1,"candidates":[],"model":"","tokens":0,"ms":0.0}',NULL,NULL,'[]',NULL,'owner','',NULL,NULL,NULL,NULL);
INSERT INTO "messages" VALUES('01a2280f29990cfabdd0fb362615','home','http','owner/main',NULL,'Remind me to call Ann','user','owner','[{"type":"text","text":"Remind me to call Ann"}]','answered',1795348800000000,NULL,NULL,'01a2280f299a068e735a8553464f',NULL,'{"rule":"explicit","task":"01a2280f299a068e735a8553464f","new":true,"probability":1,"candidates":[],"model":"","tokens":0,"ms":0.0}',NULL,NULL,'[]',NULL,'owner','',NULL,NULL,NULL,NULL);
CREATE TABLE packages (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	state TEXT NOT NULL, 
	now TEXT NOT NULL, 
	"before" TEXT, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, next TEXT, 
	PRIMARY KEY (tenant, id)
);
CREATE TABLE pairings (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	bridge TEXT NOT NULL, 
	sender TEXT NOT NULL, 
	chat TEXT NOT NULL, 
	name TEXT NOT NULL, 
	person TEXT, 
	PRIMARY KEY (id), 
	UNIQUE (tenant, hash)
);
CREATE TABLE pauses (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	person TEXT NOT NULL, 
	task TEXT NOT NULL, 
	turn TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	tool TEXT NOT NULL, 
	arguments TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	why TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	decided_at BIGINT, 
	decided_by TEXT, 
	"to" TEXT, 
	snapshot TEXT NOT NULL, 
	answer TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "pauses" VALUES('01a2280f28657583863e7ef4b952','home','owner','01a2280f265c5b553f772daa52de','01a2280f27b05fbe66723be2176f','answer','probe','{}','','01a2280f27b05fbe66723be2176f:1','Which tea would you like?','asked',1795348800000000,1795953600000000,NULL,NULL,'01a2280f25e51299744263e6d46b','YwihiqnY3trFi4XMF47EzoJMzElm34BIyUhE0LBMERKFp3ZlcnNpb26lMS40LjCocXVlc3Rpb265V2hpY2ggdGVhIHdvdWxkIHlvdSBsaWtlP6dhbnN3ZXJzkKRkb25lgKVzdGF0ZcUOGU1PTlRZAA4ApGtzY3JpcHRfbmFtZWdtYWluLnB5anR5cGVfY2hlY2v2bG1vZHVsZV9zdHVic4Blc3RhdGWhaVN1c3BlbmRlZKFsRnVuY3Rpb25DYWxsp21mdW5jdGlvbl9uYW1lY2Fza2Rhcmdzo2VncmFwaKFlbm9kZXOBoWZTdHJpbmd4GVdoaWNoIHRlYSB3b3VsZCB5b3UgbGlrZT9nYXJnX2lkc4EAaWt3YXJnX2lkc4BnY2FsbF9pZABpb2JqZWN0X2lk9nFhbGxvd19lYWdlcl9hd2FpdPVocG9zaXRpb26jaGZpbGVuYW1lcDxweXRob24taW5wdXQtMD5lc3RhcnQYZWNlbmQYhWhzbmFwc2hvdKNkcmVwbKtrc2NyaXB0X25hbWVnbWFpbi5weW1uZXh0X2lucHV0X2lkAWxnbG9iYWxfbmFtZXOhZXNsb3RzgGdpbnRlcm5zpmdzdHJpbmdzgGVieXRlc4BpbG9uZ19pbnRzgGlmdW5jdGlvbnOAcGZyb3plbl9mdW5jdGlvbnOgbGV2YWxfc291cmNlc4Bnc291cmNlc6FwPHB5dGhvbi1pbnB1dC0wPnjKZnJvbSB0eXBpbmcgaW1wb3J0IEFueQoKYXN5bmMgZGVmIHByb2JlKCkgLT4gQW55OgogICAgIiIiVHJ5IHNvbWV0aGluZyBvdXQgaGVyZS4iIiIKICAgIGtpbmQgPSBhd2FpdCBhc2soIldoaWNoIHRlYSB3b3VsZCB5b3UgbGlrZT8iKQogICAgcmV0dXJuIGYiQSBjdXAgb2Yge2tpbmR9LCBjb21pbmcgdXAiCgoKYXdhaXQgcHJvYmUoKipfYXJndW1lbnRzKWdvcHRpb25zongaYXNzZXJ0X21lc3NhZ2VfYW5ub3RhdGlvbnOhaE1heEJ5dGVzGHh1c291cmNlX3NjYW5fdGhyZXNob2xkGRAAaW9zX3BvbGljeaVoZGF0ZXRpbWVmU3lzdGVtaHRpbWV6b25loWVGaXhlZKJub2Zmc2V0X3NlY29uZHMAZG5hbWVjVVRDZXNsZWVwoWZTeXN0ZW2iZHNlY3MKZW5hbm9zAGxwcm9jZXNzX3RpbWVkWmVyb2xyYW5kb21fc3RhcnRmU3lzdGVtY2N3ZGEvZnJhbmRvbaJmbW9kdWxlomNybmf2amdhdXNzX25leHT2Z2Rlcml2ZWT2ZGhlYXCmZ2VudHJpZXODo2FSAWFEoWFUomFJgGFD9GFDYVCjYVIBYUShYUSjYUWAYUP0YUv2YUNhUPZndHJhY2tlcqRmbGltaXRzp3FtYXhfZmVlZF9kdXJhdGlvbqJkc2VjcwJlbmFub3MAcW1heF90dXJuX2R1cmF0aW9uomRzZWNzAmVuYW5vcwBqbWF4X21lbW9yeRoEAAAAa2djX2ludGVydmFs9nNtYXhfcmVjdXJzaW9uX2RlcHRoGMhvbWF4X3N1c3BlbnNpb25zGHhvbWF4X3RvdGFsX3NsZWVwomRzZWNzAmVuYW5vcwB0dG90YWxfZXhlY3V0aW9uX3RpbWWiZHNlY3MAZW5hbm9zGgABaAdzZmVlZF9leGVjdXRpb25fdGltZaJkc2VjcwBlbmFub3MaAAFoB3gYcmVjdXJzaW9uX2xpbWl0X292ZXJyaWRl9mxwdXJwbGVfY291bnQCdGFsbG9jYXRpb25zX3NpbmNlX2djBWx0aW1lem9uZV91dGP2cGRlY2ltYWxfY29udGV4dHOE9vb29mdnbG9iYWxzgGhleGVjdXRvcqNmdGFibGVzomxnbG9iYWxfbmFtZXOhZXNsb3RzhBiJGIwYjRiRZ2ludGVybnOmZ3N0cmluZ3OYLGg8bW9kdWxlPmROb25lZFRydWVlRmFsc2VoRWxsaXBzaXNuTm90SW1wbGVtZW50ZWRoX19tYWluX19nX19kb2NfX2pfYXJndW1lbnRzcDxweXRob24taW5wdXQtMD5mdHlwaW5nY0FueWVwcm9iZXdUcnkgc29tZXRoaW5nIG91dCBoZXJlLmRraW5keBlXaGljaCB0ZWEgd291bGQgeW91IGxpa2U/Y2Fza2lBIGN1cCBvZiBrLCBjb21pbmcgdXBtVFlQRV9DSEVDS0lOR2VVbmlvbmhPcHRpb25hbGRMaXN0ZERpY3RlVHVwbGVjU2V0aUZyb3plblNldGhDYWxsYWJsZWRUeXBlaFNlcXVlbmNlZ01hcHBpbmdoSXRlcmFibGVoSXRlcmF0b3JpR2VuZXJhdG9yaENsYXNzVmFyZUZpbmFsZ0xpdGVyYWxnVHlwZVZhcmdHZW5lcmljaFByb3RvY29saUFubm90YXRlZGRTZWxmZU5ldmVyaE5vUmV0dXJuZWJ5dGVzgGlsb25nX2ludHOAaWZ1bmN0aW9uc4GqYU6kYVCjYUYYimFTGCJhRRgnYU4YjWFJAmFTYUdhU6hhUPZhUQBhQfZhQgBhVvZhS/ZhTfZhV/ZhWgFhRYBhRoBhQ4BhUIBhRABhQfVhQqVhQlgeBAAAABYDAJEABAEAUAFmDwAEAgAJQgAEAwBDAwBlYUOEoWFUGI6hYVQYkKFhVBiSoWFUGJNhTI2jYUIAYVKjYUYYimFTGDZhRRhTYUb2o2FCA2FSo2FGGIphUxg2YUUYU2FG9qNhQgRhUqNhRhiKYVMYZWFFGGhhRvajYUIJYVKjYUYYimFTGGlhRRiEYUb2o2FCDGFSo2FGGIphUxhlYUUYhWFG9qNhQg5hUqNhRhiKYVMYX2FFGIVhRvajYUIPYVKjYUYYimFTGF9hRRiFYUb2o2FCEWFSo2FGGIphUxiRYUUYrmFG9qNhQhRhUqNhRhiKYVMYnWFFGKFhRvajYUIVYVKjYUYYimFTGJ1hRRihYUb2o2FCF2FSo2FGGIphUxidYUUYoWFG9qNhQhgaYVKjYUYYimFTGJ1hRRihYUb2o2FCGB1hUqNhRhiKYVMYnWFFGKFhRvZhRYBhToEYj3Bmcm96ZW5fZnVuY3Rpb25zoGxldmFsX3NvdXJjZXOAZ3Byb2dyYW2oa21vZHVsZV9jb2RlpWFCWCZqiwBOjAASAQBfAAAAEgIAFgIAjQA+AABGQAAAEQAAR40AVgFmZWFDgGFMjqNhQgBhUqNhRhiKYVMAYUUWYUb2o2FCA2FSo2FGGIphUwBhRRZhRvajYUIGYVKjYUYYimFTAGFFFmFG9qNhQglhUqNhRhiKYVMAYUUWYUb2o2FCDWFSo2FGGIphUwBhRRZhRvajYUIQYVKjYUYYimFTGLdhRRi8YUb2o2FCFWFSo2FGGIphUxi3YUUYvGFG9qNhQhgYYVKjYUYYimFTGLdhRRi8YUb2o2FCGBlhUqNhRhiKYVMYt2FFGLxhRvajYUIYHGFSo2FGGIphUxi/YUUYyWFG9qNhQhgfYVKjYUYYimFTGL9hRRjJYUb2o2FCGCJhUqNhRhiKYVMYt2FFGMphRvajYUIYJGFSo2FGGIphUxixYUUYymFG9qNhQhglYVKjYUYYimFTGLFhRRjKYUb2YUWAYU6EGIkYjBiNGJFkY29kZXjKZnJvbSB0eXBpbmcgaW1wb3J0IEFueQoKYXN5bmMgZGVmIHByb2JlKCkgLT4gQW55OgogICAgIiIiVHJ5IHNvbWV0aGluZyBvdXQgaGVyZS4iIiIKICAgIGtpbmQgPSBhd2FpdCBhc2soIldoaWNoIHRlYSB3b3VsZCB5b3UgbGlrZT8iKQogICAgcmV0dXJuIGYiQSBjdXAgb2Yge2tpbmR9LCBjb21pbmcgdXAiCgoKYXdhaXQgcHJvYmUoKipfYXJndW1lbnRzKWtpbnB1dF9zbG90c4EAdWFzc2VydF9yZXByX21heF9ieXRlcxh4Z29wdGlvbnOieBphc3NlcnRfbWVzc2FnZV9hbm5vdGF0aW9uc6FoTWF4Qnl0ZXMYeHVzb3VyY2Vfc2Nhbl90aHJlc2hvbGQZEABpb3NfcG9saWN5pWhkYXRldGltZWZTeXN0ZW1odGltZXpvbmWhZUZpeGVkom5vZmZzZXRfc2Vjb25kcwBkbmFtZWNVVENlc2xlZXChZlN5c3RlbaJkc2VjcwplbmFub3MAbHByb2Nlc3NfdGltZWRaZXJvbHJhbmRvbV9zdGFydGZTeXN0ZW1rc2NyaXB0X25hbWVnbWFpbi5weWNjd2RhL21oZWFwX2NhcGFjaXR5AGh2bV9zdGF0Zaplc3RhY2uBYVVnZ2xvYmFsc4ShYUMBoWFLY0FueaFhRABhVWZmcmFtZXOCqWFG9mFQGCVhUwBhTABhRQBhQ/ZhSfRhTvZhTRiLqWFGAGFQDmFTAGFMAWFFAGFDGCRhSfRhTvZhTfZvZXhjZXB0aW9uX3N0YWNrgG5pbnN0cnVjdGlvbl9pcAxpc2NoZWR1bGVyp2V0YXNrc6EAqGJpZABmZnJhbWVzgGVzdGFja4BvZXhjZXB0aW9uX3N0YWNrgG5pbnN0cnVjdGlvbl9pcABsY29yb3V0aW5lX2lk9mdhd2FpdGVy9mVzdGF0ZaFlUmVhZHmhYk9rgGtyZWFkeV9xdWV1ZYBsY3VycmVudF90YXNrAGxuZXh0X3Rhc2tfaWQBbG5leHRfY2FsbF9pZAFxcGVuZGluZ19leHRlcm5hbHOgcWNvcm91dGluZV90b190YXNroG5wZW5kaW5nX2VmZmVjdPZ1cGVuZGluZ19sb29rdXBfZWZmZWN09mNjd2RhL2ZyYW5kb22iZm1vZHVsZaJjcm5n9mpnYXVzc19uZXh09mdkZXJpdmVk9g==','',0);
INSERT INTO "pauses" VALUES('01a2280f29193faeaace136570e0','home','owner','01a2280f28cf0e238a1eee35b579','01a2280f28e82988af5e4c2dfc95','leave','send','{"text":"Hello Bob","to":"bob"}','','01a2280f28e82988af5e4c2dfc95:1','send asks before each call','asked',1795348800000000,1795349400000000,NULL,NULL,'01a2280f289d39bf45f76f9c2e36','','',0);
CREATE TABLE persons (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (tenant, id)
);
INSERT INTO "persons" VALUES('home','owner','Owner','owner',1795348800000000);
CREATE TABLE pins (
	tenant TEXT NOT NULL, 
	task TEXT NOT NULL, 
	package TEXT NOT NULL, 
	version TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (task, package)
);
CREATE TABLE postings (
	tenant TEXT NOT NULL, 
	bridge TEXT NOT NULL, 
	chat TEXT NOT NULL, 
	external_id TEXT NOT NULL, 
	message TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	PRIMARY KEY (tenant, bridge, chat, external_id)
);
CREATE TABLE replays (
	tenant TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	name TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	status INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY ("key", name)
);
CREATE TABLE steps (
	turn TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	request TEXT NOT NULL, 
	result TEXT NOT NULL, 
	tokens_in INTEGER NOT NULL, 
	tokens_out INTEGER NOT NULL, 
	ms FLOAT NOT NULL, 
	failed BOOLEAN NOT NULL, effect TEXT DEFAULT '' NOT NULL, pause TEXT, unsure BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (turn, number)
);
INSERT INTO "steps" VALUES('01a2280f27b05fbe66723be2176f',1,'choose','tool 1','probe, send','probe',35,0,0.0,0,'',NULL,0);
INSERT INTO "steps" VALUES('01a2280f27b05fbe66723be2176f',2,'arguments','probe','call 1','{}',0,0,0.0,0,'',NULL,0);
INSERT INTO "steps" VALUES('01a2280f27b05fbe66723be2176f',3,'begun','probe','{}','',0,0,0.0,0,'once',NULL,0);
INSERT INTO "steps" VALUES('01a2280f28e82988af5e4c2dfc95',1,'choose','tool 1','send','send',26,0,0.0,0,'',NULL,0);
INSERT INTO "steps" VALUES('01a2280f28e82988af5e4c2dfc95',2,'arguments','send','call 1','{"to":"bob","text":"Hello Bob"}',32,5,0.0,0,'',NULL,0);
INSERT INTO "steps" VALUES('01a2280f296a5fa9c3def7bdd778',1,'choose','tool 1','send','none',27,0,0.0,0,'',NULL,0);
INSERT INTO "steps" VALUES('01a2280f298209d44d9706c5447a',1,'choose','tool 1','send','none',28,0,0.0,0,'',NULL,0);
CREATE TABLE taints (
	tenant TEXT NOT NULL, 
	task TEXT NOT NULL, 
	source TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (task, source)
);
CREATE TABLE tasks (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	person TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	bridge TEXT NOT NULL, 
	chat TEXT NOT NULL, 
	thread TEXT, 
	title TEXT NOT NULL, 
	goal TEXT NOT NULL, 
	agent TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	limits TEXT NOT NULL, 
	used TEXT NOT NULL, 
	due_at BIGINT, 
	schedule TEXT, 
	verdict TEXT, 
	digest TEXT NOT NULL, 
	digested TEXT, 
	revision INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (tenant, person, number)
);
INSERT INTO "tasks" VALUES('01a2280f265c5b553f772daa52de','home','owner',1,'http','owner/main',NULL,'probe it: make me some tea','probe it: make me some tea','default','input-required',1795348800000000,1795348800000000,'conversation','{"turns":20,"tokens":100000,"minutes":120.0,"money":0.0}','{"turns":1,"tokens":35,"minutes":0.0,"money":0.0}',1795953600000000,NULL,'{"type":"ask","question":"Which tea would you like?","choices":[],"why":"probe asks"}','',NULL,2);
INSERT INTO "tasks" VALUES('01a2280f28cf0e238a1eee35b579','home','owner',2,'http','owner/main',NULL,'send Hello to Bob','send Hello to Bob','default','input-required',1795348800000000,1795348800000000,'conversation','{"turns":20,"tokens":100000,"minutes":120.0,"money":0.0}','{"turns":1,"tokens":63,"minutes":0.0,"money":0.0}',1795349400000000,NULL,'{"type":"ask","question":"","choices":[],"why":"leave is asked for send"}','',NULL,2);
INSERT INTO "tasks" VALUES('01a2280f294864aed1151d502a38','home','owner',3,'http','owner/main',NULL,'Write a poem about rain','Write a poem about rain','default','input-required',1795348800000000,1795348800000000,'assignment','{"turns":20,"tokens":100000,"minutes":120.0,"money":0.0}','{"turns":1,"tokens":46,"minutes":0.0,"money":0.0}',NULL,NULL,'{"type":"ask","question":"Spring rain or autumn rain?","choices":[],"why":"the answer ends with a question"}','',NULL,2);
INSERT INTO "tasks" VALUES('01a2280f297d0e4f567baf93fb66','home','owner',4,'http','owner/main',NULL,'Make a list of ten towns','Make a list of ten towns','default','working',1795348800000000,1795348800000000,'assignment','{"turns":20,"tokens":100000,"minutes":120.0,"money":0.0}','{"turns":1,"tokens":47,"minutes":0.0,"money":0.0}',1795348810000000,NULL,'{"type":"again","after":10.0,"why":"not finished yet (0.10): do what''s still missing","failed":false}','',NULL,2);
INSERT INTO "tasks" VALUES('01a2280f29963a21df53959396c0','home','owner',5,'http','owner/main',NULL,'Say good morning','Say good morning','default','submitted',1795348800000000,1795348800000000,'assignment','{"turns":20,"tokens":100000,"minutes":120.0,"money":0.0}','{"turns":0,"tokens":0,"minutes":0.0,"money":0.0}',1795349100000000,'5 12 * * *',NULL,'',NULL,0);
INSERT INTO "tasks" VALUES('01a2280f299a068e735a8553464f','home','owner',6,'http','owner/main',NULL,'Remind me to call Ann','Remind me to call Ann','default','submitted',1795348800000000,1795348800000000,'assignment','{"turns":20,"tokens":100000,"minutes":120.0,"money":0.0}','{"turns":0,"tokens":0,"minutes":0.0,"money":0.0}',1795350600000000,NULL,NULL,'',NULL,0);
CREATE TABLE threads (
	tenant TEXT NOT NULL, 
	bridge TEXT NOT NULL, 
	chat TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	task TEXT NOT NULL, 
	PRIMARY KEY (tenant, bridge, chat, thread)
);
CREATE TABLE turns (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	task TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	messages TEXT NOT NULL, 
	started_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	answer TEXT NOT NULL, 
	tokens_in INTEGER NOT NULL, 
	tokens_out INTEGER NOT NULL, 
	ms FLOAT NOT NULL, 
	verdict TEXT, 
	error TEXT, 
	PRIMARY KEY (id), 
	UNIQUE (task, number)
);
INSERT INTO "turns" VALUES('01a2280f27b05fbe66723be2176f','home','01a2280f265c5b553f772daa52de',1,'done','["01a2280f25e51299744263e6d46b"]',1795348800000000,1795348800000000,'',35,0,0.0,'{"type":"ask","question":"Which tea would you like?","choices":[],"why":"probe asks"}',NULL);
INSERT INTO "turns" VALUES('01a2280f28e82988af5e4c2dfc95','home','01a2280f28cf0e238a1eee35b579',1,'done','["01a2280f289d39bf45f76f9c2e36"]',1795348800000000,1795348800000000,'',58,5,0.0,'{"type":"ask","question":"","choices":[],"why":"leave is asked for send"}',NULL);
INSERT INTO "turns" VALUES('01a2280f296a5fa9c3def7bdd778','home','01a2280f294864aed1151d502a38',1,'done','["01a2280f29452fe22a311a70cd0a"]',1795348800000000,1795348800000000,'Spring rain or autumn rain?',41,5,0.0,'{"type":"ask","question":"Spring rain or autumn rain?","choices":[],"why":"the answer ends with a question"}',NULL);
INSERT INTO "turns" VALUES('01a2280f298209d44d9706c5447a','home','01a2280f297d0e4f567baf93fb66',1,'done','["01a2280f297c30bf52ac7312e934"]',1795348800000000,1795348800000000,'Half of the list.',43,4,0.0,'{"type":"again","after":10.0,"why":"not finished yet (0.10): do what''s still missing","failed":false}',NULL);
CREATE INDEX keys_of_tenant ON keys (tenant, kind, created_at);
CREATE INDEX messages_answering ON messages (answers) WHERE answers IS NOT NULL;
CREATE INDEX messages_of_chat ON messages (tenant, bridge, chat, id);
CREATE INDEX messages_of_task ON messages (task, id) WHERE task IS NOT NULL;
CREATE INDEX messages_of_turn ON messages (turn) WHERE turn IS NOT NULL;
CREATE INDEX corrections_of_tenant ON corrections (tenant, id);
CREATE INDEX tasks_due ON tasks (due_at, id) WHERE state IN ('submitted', 'working', 'input-required') AND due_at IS NOT NULL;
CREATE INDEX tasks_of_chat ON tasks (tenant, bridge, chat, state, id);
CREATE INDEX tasks_of_chat_changed ON tasks (tenant, bridge, chat, state, updated_at, id);
CREATE INDEX tasks_of_person ON tasks (tenant, person, state, id);
CREATE INDEX tasks_of_person_changed ON tasks (tenant, person, state, updated_at, id);
CREATE INDEX tasks_of_tenant ON tasks (tenant, state, id);
CREATE INDEX tasks_of_tenant_changed ON tasks (tenant, state, updated_at, id);
CREATE INDEX entries_begun ON entries (id) WHERE state = 'ready' AND boot IS NOT NULL;
CREATE INDEX entries_dead ON entries (tenant, id) WHERE state = 'dead';
CREATE INDEX entries_held ON entries (due_at, id) WHERE state = 'held';
CREATE INDEX entries_not_done ON entries (queue, state) WHERE state <> 'done';
CREATE INDEX entries_of_message ON entries (message, queue, id);
CREATE INDEX entries_ready ON entries (lane, id) WHERE state = 'ready';
CREATE INDEX entries_ready_due ON entries (due_at) WHERE state = 'ready' AND due_at IS NOT NULL;
CREATE INDEX entries_waiting ON entries (tenant, person) WHERE queue = 'inbox' AND state IN ('ready', 'held');
CREATE INDEX events_by_age ON events (created_at);
CREATE INDEX events_of_person ON events (tenant, person, seq);
CREATE INDEX replays_by_age ON replays (created_at);
CREATE INDEX links_of_person ON links (tenant, person, created_at);
CREATE INDEX pairings_of_tenant ON pairings (tenant, id);
CREATE INDEX pairings_by_end ON pairings (expires_at);
CREATE INDEX messages_copying ON messages (copy_of) WHERE copy_of IS NOT NULL;
CREATE INDEX messages_with_files ON messages (tenant, person, id) WHERE instr(parts, '"type":"file"') > 0;
CREATE INDEX postings_of_message ON postings (message, number);
CREATE INDEX threads_of_task ON threads (task, bridge, chat, thread);
CREATE INDEX installations_of_tenant ON installations (tenant, id);
CREATE INDEX pins_of_tenant ON pins (tenant, task);
CREATE INDEX pauses_of_task ON pauses (task, id);
CREATE INDEX pauses_of_person ON pauses (tenant, person, id);
CREATE INDEX pauses_asked ON pauses (expires_at, id) WHERE state = 'asked';
COMMIT;
