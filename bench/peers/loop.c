/* The limit: what a C program does that only calls send in a loop. `POST` sends its body to everybody. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int readers[65536], count;

static void serve(int fd) {
    char data[8192], block[8300];
    ssize_t got = recv(fd, data, sizeof data - 1, MSG_DONTWAIT);
    if (got <= 0) {
        if (got == 0) {
            for (int i = 0; i < count; i++) if (readers[i] == fd) readers[i] = readers[--count];
            close(fd);
        }
        return;
    }
    data[got] = 0;
    if (!strncmp(data, "POST", 4)) { /* one after the other; whoever publishes waits for each answer */
        char *body = strstr(data, "\r\n\r\n");
        int size = snprintf(block, sizeof block, "data: %s\n\n", body ? body + 4 : "");
        for (int i = 0; i < count; i++) send(readers[i], block, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        const char *answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        send(fd, answer, strlen(answer), MSG_NOSIGNAL);
    } else {
        const char *head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
        send(fd, head, strlen(head), MSG_NOSIGNAL);
        readers[count++] = fd;
    }
}

int main(int argc, char **argv) {
    (void)argc;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), ep = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) return 1;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int n = epoll_wait(ep, events, 256, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd != listener) { serve(events[i].data.fd); continue; }
            int fd = accept(listener, NULL, NULL);
            struct epoll_event reader = {.events = EPOLLIN, .data.fd = fd};
            epoll_ctl(ep, EPOLL_CTL_ADD, fd, &reader);
        }
    }
}
