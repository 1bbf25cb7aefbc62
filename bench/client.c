/* The load client: opens so many connections, reads all of them in one epoll loop, and measures.
 *
 * client HOST PORT COUNT RATE IDLE_MS [ws MESSAGE] < request-head, then commands line by line on the descriptor named in COMMANDS:
 *   report   one JSON line: deliveries, quantiles of the latency (ms), CPU of this process
 *   reset    forgets what was measured
 *   cut      closes every connection and opens it anew
 *   quit
 * A delivery is a mark "T=<monotonic ns>;" in what arrives; its latency is now minus that.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
struct conn { int fd, state, kept; char tail[32]; };
static struct conn *conns;
static int silent, commands, count, opened, failed, ep, is_ws, in_flight;
static char request[65536], message[64];
static size_t request_size;
static struct sockaddr_in address;
static uint32_t *latency_us;
static size_t taken, room;
static double first_at, last_at, open_began, open_ended;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void note(double ms_from) {
    double at = now(), took = (at - ms_from) * 1e6;
    if (taken == room) latency_us = realloc(latency_us, (room = room ? room * 2 : 1 << 16) * sizeof *latency_us);
    latency_us[taken++] = took < 0 ? 0 : took > 4e9 ? 4000000000u : (uint32_t)took;
    if (!first_at) first_at = at;
    last_at = at;
}

static void start(int i) {
    struct conn *c = &conns[i];
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002 + i / 20000)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    bind(c->fd, (struct sockaddr *)&from, sizeof from);
    c->kept = 0;
    c->state = CONNECTING;
    connect(c->fd, (struct sockaddr *)&address, sizeof address);
    struct epoll_event event = {.events = EPOLLOUT, .data.u32 = i};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &event);
    in_flight++;
}

static void stop(struct conn *c) {
    if (c->state == CONNECTING || c->state == WAITING) { in_flight--; failed++; }
    if (c->state == OPEN) opened--;
    close(c->fd);
    c->state = CLOSED;
}

static void say(int fd, const char *text) { /* one masked frame, the mask is zero */
    char frame[80];
    size_t size = strlen(text);
    frame[0] = (char)0x81;
    frame[1] = (char)(0x80 | size);
    memset(frame + 2, 0, 4);
    memcpy(frame + 6, text, size);
    if (send(fd, frame, size + 6, MSG_NOSIGNAL) < 0) failed++;
}

static void scan(struct conn *c, char *data, size_t size) {
    char *end = data + size, *at = data, *mark;
    if (is_ws && size == 3 && !memcmp(data, "\x81\x01" "2", 3)) say(c->fd, "3"); /* engine.io's ping */
    while ((mark = memmem(at, end - at, "T=", 2))) {
        char *stop_at = memchr(mark, ';', end - mark);
        if (!stop_at) { at = mark; break; }
        note(strtoull(mark + 2, NULL, 10) / 1e9);
        at = stop_at + 1;
    }
    size_t rest = end - at;
    if (!memmem(at, rest, "T=", 2)) { rest = rest && end[-1] == 'T' ? 1 : 0; at = end - rest; }
    c->kept = rest < sizeof c->tail ? (int)rest : 0;
    memcpy(c->tail, at, c->kept);
}

static void readable(struct conn *c) {
    static char data[1 << 17];
    memcpy(data, c->tail, c->kept);
    ssize_t got = recv(c->fd, data + c->kept, sizeof data - c->kept - 1, 0);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN) return;
        stop(c);
        return;
    }
    data[c->kept + got] = 0;
    if (c->state == WAITING) {
        if (!strncmp(data, is_ws ? "HTTP/1.1 101" : "HTTP/1.1 200", 12)) {
            c->state = OPEN;
            opened++;
            in_flight--;
            open_ended = now();
            if (*message) say(c->fd, message);
        } else { stop(c); return; }
    }
    scan(c, data, c->kept + got);
}

static void turn(int wait_ms) {
    struct epoll_event events[512];
    int n = epoll_wait(ep, events, 512, wait_ms);
    for (int i = 0; i < n; i++) {
        struct conn *c = &conns[events[i].data.u32];
        if (c->state == CONNECTING) {
            if (send(c->fd, request, request_size, MSG_NOSIGNAL) != (ssize_t)request_size) { stop(c); continue; }
            c->state = WAITING;
            if (silent) { c->state = OPEN; opened++; in_flight--; open_ended = now(); }
            struct epoll_event event = {.events = EPOLLIN, .data.u32 = events[i].data.u32};
            epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &event);
        } else if (c->state != CLOSED) readable(c);
    }
}

static void open_all(int at_once) {
    open_began = now();
    int next = 0;
    double limit = open_began + 60;
    while ((next < count || in_flight) && now() < limit) {
        while (next < count && in_flight < at_once) start(next++);
        turn(10);
    }
    printf("{\"open\": %d, \"failed\": %d, \"seconds\": %.4f}\n", opened, failed, open_ended - open_began);
    fflush(stdout);
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double quantile(double q) { return taken ? latency_us[(size_t)(q * (taken - 1))] / 1000.0 : 0; }

static void report(void) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    qsort(latency_us, taken, sizeof *latency_us, by_size);
    printf("{\"deliveries\": %zu, \"open\": %d, \"seconds\": %.4f, \"p50_ms\": %.3f, \"p95_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"max_ms\": %.3f, \"cpu_s\": %.4f}\n",
           taken, opened, last_at - first_at, quantile(.5), quantile(.95), quantile(.99), quantile(1),
           use.ru_utime.tv_sec + use.ru_stime.tv_sec + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
    fflush(stdout);
}

static int command(void) {
    char line[64];
    ssize_t got = read(commands, line, sizeof line - 1);
    if (got == 0) return 0;
    if (got < 0) return 1;
    line[got] = 0;
    if (!strncmp(line, "quit", 4)) return 0;
    if (!strncmp(line, "report", 6)) report();
    if (!strncmp(line, "reset", 5)) { taken = 0; first_at = last_at = 0; printf("{}\n"); fflush(stdout); }
    if (!strncmp(line, "cut", 3)) {
        for (int i = 0; i < count; i++) if (conns[i].state != CLOSED) stop(&conns[i]);
        failed = 0;
        open_all(200);
    }
    return 1;
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &address.sin_addr);
    count = atoi(argv[3]);
    is_ws = argc > 5;
    if (argc > 6) snprintf(message, sizeof message, "%s", argv[6]);
    request_size = fread(request, 1, sizeof request, stdin);
    conns = calloc(count, sizeof *conns);
    ep = epoll_create1(0);
    commands = atoi(getenv("COMMANDS"));
    silent = getenv("SILENT") && *getenv("SILENT");
    fcntl(commands, F_SETFL, O_NONBLOCK);
    open_all(atoi(argv[4]));
    while (command()) turn(5);
    return 0;
}
