/* The load client: opens so many connections, reads all of them in one epoll loop, and measures.
 *
 *   client PORT COUNT AT_ONCE KIND [MESSAGE] < requests, then commands line by line on the descriptor named in COMMANDS
 *
 * KIND is stream, silent (no head before the first event), poll (a finite answer, asked for again at once) or socket;
 * MESSAGE is what a WebSocket says first. Requests are texts that end with NUL and are used in turn; in each \1 stands
 * for the reader's position, whose first value follows its NUL and ends with another.
 *   reset            forgets what was measured
 *   await COUNT MS   waits for so many deliveries, MS at most; then the report, one JSON line
 *   cut MS           closes every connection; each comes back at a random moment within MS, and again when refused
 * A delivery is a mark "T=<monotonic ns>;" in what arrives; its latency is now minus that.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLOSED, CONNECTING, WAITING, OPEN };
enum { TAIL = 96, PORTS = 20000, OPEN_S = 60, BACK_S = 30, RETRY_S = 4 };
struct conn { int fd, state, kept; double due; char position[40], tail[TAIL]; };
static struct conn *conns;
static char **requests, **positions;
static int asked, count, opened, failed, in_flight, ep, commands;
static const char *kind, *message = "";
static struct sockaddr_in address;
static uint32_t *latency_us;
static size_t taken, room;
static double first_at, last_at, open_ended;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static int is(const char *name) { return !strcmp(kind, name); }

static void note(double sent_at) {
    double at = now(), took = (at - sent_at) * 1e6;
    if (taken == room) latency_us = realloc(latency_us, (room = room ? room * 2 : 1 << 16) * sizeof *latency_us);
    latency_us[taken++] = took < 0 ? 0 : took > 4e9 ? 4000000000u : (uint32_t)took;
    if (!first_at) first_at = at;
    last_at = at;
}

static void start(struct conn *c) { /* from addresses of its own: one has only so many ports */
    int i = (int)(c - conns);
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002 + i / PORTS)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int one = 1;
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    bind(c->fd, (struct sockaddr *)&from, sizeof from);
    c->kept = 0;
    c->state = CONNECTING;
    connect(c->fd, (struct sockaddr *)&address, sizeof address);
    struct epoll_event event = {.events = EPOLLOUT, .data.u32 = i};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &event);
    in_flight++;
}

static void stop(struct conn *c) {
    if (c->state == OPEN) opened--;
    else in_flight--;
    close(c->fd);
    c->state = CLOSED;
}

static void refused(struct conn *c) { /* comes back when its time has come, or never while nothing is due */
    stop(c);
    failed++;
    c->due = now() + RETRY_S * (rand() / (double)RAND_MAX);
}

static void ask(struct conn *c) {
    char text[16384];
    const char *request = requests[(c - conns) % asked], *mark = strchr(request, 1);
    int size = mark ? snprintf(text, sizeof text, "%.*s%s%s", (int)(mark - request), request, c->position, mark + 1)
                    : snprintf(text, sizeof text, "%s", request);
    if (send(c->fd, text, size, MSG_NOSIGNAL) != size) refused(c);
    else c->state = WAITING;
}

static void say(int fd, const char *text) { /* one masked frame, the mask is zero */
    char frame[80] = {(char)0x81, (char)(0x80 | strlen(text))};
    memcpy(frame + 6, text, strlen(text));
    if (send(fd, frame, strlen(text) + 6, MSG_NOSIGNAL) < 0) failed++;
}

static void remember(struct conn *c, const char *data) { /* the newest position; a block that is cut waits in the tail */
    for (const char *at = data; (at = strstr(at, "\nid: "));) {
        const char *end = strchr(at += 5, '\n');
        if (end && end - at < (int)sizeof c->position) snprintf(c->position, sizeof c->position, "%.*s", (int)(end - at), at);
    }
}

static void scan(struct conn *c, char *data, size_t size) {
    char *at = data, *end = data + size, *mark, *stops;
    while ((mark = memmem(at, end - at, "T=", 2)) && (stops = memchr(mark, ';', end - mark))) {
        note(strtoull(mark + 2, NULL, 10) / 1e9);
        at = stops + 1;
    }
    if (end - at > TAIL - 1) at = end - (TAIL - 1);
    c->kept = (int)(end - at);
    memcpy(c->tail, at, c->kept);
}

static int begins(struct conn *c, const char *data) {
    if (strncmp(data, is("socket") ? "HTTP/1.1 101" : "HTTP/1.1 200", 12)) return 0;
    c->state = OPEN;
    opened++;
    in_flight--;
    open_ended = now();
    if (*message) say(c->fd, message);
    return 1;
}

static void readable(struct conn *c) {
    static char data[1 << 17];
    memcpy(data, c->tail, c->kept);
    ssize_t got = recv(c->fd, data + c->kept, sizeof data - c->kept - 1, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        int again = is("poll") && c->state == OPEN && !got;
        stop(c);
        if (again) start(c);
        return;
    }
    data[c->kept + got] = 0;
    if (is("socket") && got == 3 && !memcmp(data + c->kept, "\x81\x01" "2", 3)) say(c->fd, "3"); /* engine.io's ping */
    if (c->state == WAITING && !begins(c, data)) { refused(c); return; }
    remember(c, data);
    scan(c, data, c->kept + got);
}

static void turn(int wait_ms) {
    struct epoll_event events[512];
    int n = epoll_wait(ep, events, 512, wait_ms);
    for (int i = 0; i < n; i++) {
        struct conn *c = &conns[events[i].data.u32];
        if (c->state != CONNECTING) { if (c->state != CLOSED) readable(c); continue; }
        ask(c);
        /* A poll that waits has no head yet: it counts as open once it has asked. */
        if (c->state == WAITING && (is("silent") || is("poll"))) begins(c, "HTTP/1.1 200");
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = events[i].data.u32};
        if (c->state != CLOSED) epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &event);
    }
}

static void open_all(int at_once) {
    double began = now();
    for (int next = 0; (next < count || in_flight) && now() < began + OPEN_S; turn(10))
        while (next < count && in_flight < at_once) start(&conns[next++]);
    printf("{\"open\": %d, \"failed\": %d, \"seconds\": %.4f}\n", opened, failed, open_ended - began);
    fflush(stdout);
}

static void cut(double spread_s) { /* what an outage does: all are gone at once, and each comes back by itself */
    double began = now(), most_s = 0;
    failed = 0;
    for (int i = 0; i < count; i++) {
        if (conns[i].state != CLOSED) stop(&conns[i]);
        conns[i].due = began + spread_s * (rand() / (double)RAND_MAX);
    }
    while (opened < count && now() < began + BACK_S) {
        for (int i = 0; i < count; i++)
            if (conns[i].state == CLOSED && conns[i].due <= now()) start(&conns[i]);
        turn(5);
        if (!most_s && opened >= count * .95) most_s = now() - began;
    }
    printf("{\"open\": %d, \"refused\": %d, \"most_s\": %.3f, \"all_s\": %.3f}\n", opened, failed, most_s, now() - began);
    fflush(stdout);
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double quantile(double q) { return taken ? latency_us[(size_t)(q * (taken - 1))] / 1000.0 : 0; }

static void report(size_t wanted, double until) {
    while (taken < wanted && now() < until) turn(5);
    struct rusage use;
    getrusage(RUSAGE_SELF, &use); /* before the sorting, which the servers have no part in */
    qsort(latency_us, taken, sizeof *latency_us, by_size);
    printf("{\"deliveries\": %zu, \"open\": %d, \"seconds\": %.4f, \"p50_ms\": %.3f, \"p95_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"max_ms\": %.3f, \"cpu_s\": %.4f}\n",
           taken, opened, last_at - first_at, quantile(.5), quantile(.95), quantile(.99), quantile(1),
           use.ru_utime.tv_sec + use.ru_stime.tv_sec + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
    fflush(stdout);
}

static int command(void) {
    char line[64];
    size_t wanted = 0;
    double ms = 0;
    ssize_t got = read(commands, line, sizeof line - 1);
    if (got == 0) return 0;
    if (got < 0) return 1;
    line[got] = 0;
    if (sscanf(line, "await %zu %lf", &wanted, &ms) == 2) report(wanted, now() + ms / 1000);
    else if (sscanf(line, "cut %lf", &ms) == 1) cut(ms / 1000);
    else taken = 0, first_at = last_at = 0, printf("{}\n"), fflush(stdout);
    return 1;
}

static void read_requests(void) {
    static char all[8 << 20];
    size_t size = fread(all, 1, sizeof all - 1, stdin);
    requests = calloc(size + 1, sizeof *requests);
    positions = calloc(size + 1, sizeof *positions);
    for (char *at = all; at < all + size; asked++) {
        requests[asked] = at;
        positions[asked] = at += strlen(at) + 1;
        at += strlen(at) + 1;
    }
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    count = atoi(argv[2]);
    kind = argv[4];
    if (argc > 5) message = argv[5];
    read_requests();
    conns = calloc(count, sizeof *conns);
    for (int i = 0; i < count; i++) snprintf(conns[i].position, sizeof conns[i].position, "%s", positions[i % asked]);
    ep = epoll_create1(0);
    commands = atoi(getenv("COMMANDS"));
    fcntl(commands, F_SETFL, O_NONBLOCK);
    open_all(atoi(argv[3]));
    while (command()) turn(1);
    return 0;
}
