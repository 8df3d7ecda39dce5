/* The whole userland of the tests' virtual machine: loads the kernel's modules, brings up the network, and answers as a
 * hub does to its waker, by the signature that hub/signing.py describes. It turns off when its power button is pressed.
 *
 * The kernel's command line has hub.token=TOKEN, and hub.deaf=1 for one that heeds no button. */

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/input.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 8080, LONGEST = 1 << 20, BLOCK = 64, DIGEST = 32, BUTTONS = 8, WINDOW = 300 };

static char token[256];
static int deaf;
static time_t last_asked;

/* --- SHA-256 (FIPS 180-4) and HMAC (RFC 2104) over one buffer */

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turned(uint32_t x, int by) { return x >> by | x << (32 - by); }

static void take_block(uint32_t h[8], const uint8_t *block) {
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (turned(a, 7) ^ turned(a, 18) ^ a >> 3) + (turned(b, 17) ^ turned(b, 19) ^ b >> 10);
    }
    memcpy(s, h, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t e = turned(s[4], 6) ^ turned(s[4], 11) ^ turned(s[4], 25);
        uint32_t one = s[7] + e + ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[i] + w[i];
        uint32_t a = turned(s[0], 2) ^ turned(s[0], 13) ^ turned(s[0], 22);
        uint32_t two = a + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += one;
        s[0] = one + two;
    }
    for (int i = 0; i < 8; i++) h[i] += s[i];
}

static void sha256(const uint8_t *text, size_t length, uint8_t digest[DIGEST]) {
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    size_t whole = length / BLOCK * BLOCK, rest = length - whole, tail = rest < 56 ? BLOCK : 2 * BLOCK;
    uint8_t last[2 * BLOCK] = {0};
    for (size_t i = 0; i < whole; i += BLOCK) take_block(h, text + i);
    memcpy(last, text + whole, rest);
    last[rest] = 0x80;
    for (int i = 0; i < 8; i++) last[tail - 1 - i] = (uint8_t)((uint64_t)length * 8 >> 8 * i);
    for (size_t i = 0; i < tail; i += BLOCK) take_block(h, last + i);
    for (int i = 0; i < DIGEST; i++) digest[i] = h[i / 4] >> (24 - i % 4 * 8);
}

static void hmac(const char *key, const uint8_t *text, size_t length, uint8_t digest[DIGEST]) {
    uint8_t pad[BLOCK] = {0}, outer[BLOCK + DIGEST], *inner = malloc(BLOCK + length);
    if (strlen(key) > BLOCK) sha256((const uint8_t *)key, strlen(key), pad);
    else memcpy(pad, key, strlen(key));
    for (int i = 0; i < BLOCK; i++) inner[i] = pad[i] ^ 0x36, outer[i] = pad[i] ^ 0x5c;
    memcpy(inner + BLOCK, text, length);
    sha256(inner, BLOCK + length, outer + BLOCK);
    sha256(outer, sizeof outer, digest);
    free(inner);
}

static void in_hex(const uint8_t digest[DIGEST], char hex[2 * DIGEST + 1]) {
    for (int i = 0; i < DIGEST; i++) sprintf(hex + 2 * i, "%02x", digest[i]);
}

/* --- requests */

static int is_signed(const char *head, const char *method, const char *path, const char *body, size_t length) {
    const char *given = strcasestr(head, "\nagenthost-signature:");
    long long at;
    char nonce[33], mac[65], hash[65], good[65], said[4096];
    uint8_t digest[DIGEST];
    if (!given || sscanf(given + 21, " t=%lld,n=%32[0-9a-f],v=%64[0-9a-f]", &at, nonce, mac) != 3) return 0;
    sha256((const uint8_t *)body, length, digest);
    in_hex(digest, hash);
    int size = snprintf(said, sizeof said, "%lld.%s.%s.%s.%s", at, nonce, method, path, hash);
    if (size >= (int)sizeof said || llabs(at - (long long)time(NULL)) > WINDOW) return 0;
    hmac(token, (const uint8_t *)said, size, digest);
    in_hex(digest, good);
    return strcmp(good, mac) == 0;
}

static void settle(const char *body, char *answer, size_t size) {
    size_t used = snprintf(answer, size, "{\"settled\":[");
    const char *found = body;
    for (int first = 1; (found = strstr(found, "{\"id\":")) && used + 32 < size; first = 0) {
        found += 6;
        used += snprintf(answer + used, size - used, "%s%lld", first ? "" : ",", atoll(found));
        last_asked = time(NULL);
    }
    snprintf(answer + used, size - used, "]}");
}

static void answer_to(int peer, char *head, const char *body, size_t length) {
    static char text[1 << 16];
    char method[8], path[1024];
    int status = 200;
    if (sscanf(head, "%7s %1023s", method, path) != 2) return;
    if (strncmp(path, "/v1/waker/", 10) && (last_asked = time(NULL)))
        snprintf(text, sizeof text, "{\"said\":\"by the machine\"}");
    else if (!is_signed(head, method, path, body, length) && (status = 401))
        snprintf(text, sizeof text, "{\"detail\":\"not signed\"}");
    else if (!strncmp(path + 10, "report", 6))
        snprintf(text, sizeof text,
                 "{\"boot\":\"machine\",\"ready\":true,\"busy\":[],\"idle_seconds\":%lld,\"next_due\":null,"
                 "\"guests\":[[\"key\",\"hash\"]],\"known\":\"them\"}",
                 (long long)(time(NULL) - last_asked));
    else if (!strncmp(path + 10, "heard", 5)) settle(body, text, sizeof text);
    else snprintf(text, sizeof text, "{\"drained\":true}");
    dprintf(peer, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
            status, status == 200 ? "OK" : "Unauthorized", strlen(text), text);
}

static void serve(int peer) {
    static char request[LONGEST + 1];
    struct timeval patience = {.tv_sec = 5};
    size_t got = 0, wanted = 0;
    char *body = NULL;
    setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (got < LONGEST && (!body || (size_t)(request + got - body) < wanted)) {
        ssize_t more = read(peer, request + got, LONGEST - got);
        if (more <= 0) break;
        request[got += more] = 0;
        if (!body && (body = strstr(request, "\r\n\r\n"))) {
            char *length = strcasestr(request, "\ncontent-length:");
            body += 4;
            wanted = length && length < body ? strtoul(length + 16, NULL, 10) : 0;
        }
    }
    if (body && (size_t)(request + got - body) >= wanted) {
        body[-1] = 0; /* the head ends before its last line feed */
        answer_to(peer, request, body, wanted);
    }
    shutdown(peer, SHUT_WR);
    close(peer);
}

/* --- the machine */

static void load_modules(void) {
    struct dirent **found;
    char path[512];
    int count = scandir("/modules", &found, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "/modules/%s", found[i]->d_name);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (found[i]->d_name[0] != '.' && syscall(SYS_finit_module, file, "", 0)) perror(path);
        close(file);
    }
}

static void bring_up(const char *name, const char *address) {
    int any = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq ask = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&ask.ifr_addr;
    strcpy(ask.ifr_name, name);
    in->sin_family = AF_INET;
    inet_pton(AF_INET, address, &in->sin_addr);
    if (ioctl(any, SIOCSIFADDR, &ask)) perror(name);
    ask.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(any, SIOCSIFFLAGS, &ask)) perror(name);
    close(any);
}

static void read_command_line(void) {
    char line[4096] = "", *found;
    int file = open("/proc/cmdline", O_RDONLY);
    if (read(file, line, sizeof line - 1) < 0) perror("cmdline");
    close(file);
    if ((found = strstr(line, "hub.token="))) sscanf(found + 10, "%255s", token);
    deaf = strstr(line, "hub.deaf=1") != NULL;
}

static int watch_buttons(struct pollfd *waits) {
    char path[64];
    int count = 0;
    for (int i = 0; i < BUTTONS; i++) {
        snprintf(path, sizeof path, "/dev/input/event%d", i);
        int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (file >= 0) waits[count++] = (struct pollfd){.fd = file, .events = POLLIN};
    }
    return count;
}

static void look_at_button(int file) {
    struct input_event event;
    while (read(file, &event, sizeof event) == sizeof event)
        if (event.type == EV_KEY && event.code == KEY_POWER && event.value == 1) {
            printf("machine: the button was pressed%s\n", deaf ? ", and nobody heeds it" : "");
            if (!deaf) reboot(RB_POWER_OFF);
        }
}

int main(void) {
    struct pollfd waits[BUTTONS + 1];
    struct sockaddr_in all = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int door = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    setvbuf(stdout, NULL, _IONBF, 0);
    mkdir("/proc", 0755);
    mkdir("/dev", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    int console = open("/dev/console", O_RDWR);
    for (int i = 0; i < 3 && console >= 0; i++) dup2(console, i);
    read_command_line();
    load_modules();
    bring_up("lo", "127.0.0.1");
    bring_up("eth0", "10.0.2.15");
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(door, (struct sockaddr *)&all, sizeof all) || listen(door, 64)) perror("listen");
    int count = watch_buttons(waits);
    waits[count] = (struct pollfd){.fd = door, .events = POLLIN};
    last_asked = time(NULL);
    printf("machine: up, with %d buttons\n", count);
    for (;;) {
        poll(waits, count + 1, -1);
        for (int i = 0; i < count; i++)
            if (waits[i].revents) look_at_button(waits[i].fd);
        if (waits[count].revents) serve(accept(door, NULL, NULL));
    }
}
