// What the engine is compared with: the least that a program can do with the same system calls.
#define _GNU_SOURCE
#include "bare.h"
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in loopback(unsigned short port) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

void bare_relay(int in, unsigned short port) {
    struct sockaddr_in to = loopback(port);
    char bytes[2048];
    for (;;) {
        ssize_t count = recv(in, bytes, sizeof bytes, 0);
        if (count == 1) return;
        if (count > 0) sendto(in, bytes, count, 0, (struct sockaddr *)&to, sizeof to);
    }
}

long bare_send(int socket, const unsigned short *ports, int portCount, long count, int size) {
    enum { batch = 64 };
    static char bytes[2048];
    struct mmsghdr messages[batch];
    struct sockaddr_in addresses[batch];
    struct iovec vector = {bytes, size};
    memset(messages, 0, sizeof messages);
    long taken = 0;
    int next = 0;
    while (count > 0) {
        int now = count < batch ? (int)count : batch;
        for (int index = 0; index < now; index++) {
            addresses[index] = loopback(ports[next]);
            next = (next + 1) % portCount;
            messages[index].msg_hdr.msg_name = &addresses[index];
            messages[index].msg_hdr.msg_namelen = sizeof addresses[index];
            messages[index].msg_hdr.msg_iov = &vector;
            messages[index].msg_hdr.msg_iovlen = 1;
        }
        int sent = sendmmsg(socket, messages, now, 0);
        if (sent > 0) taken += sent;
        count -= now;
    }
    return taken;
}

int bare_timer_open(void) { return timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC); }

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

long bare_timer(int timer, long nanoseconds) {
    long due = now() + nanoseconds;
    struct itimerspec setting = {.it_value = {due / 1000000000L, due % 1000000000L}};
    unsigned long long count;
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, NULL);
    if (read(timer, &count, sizeof count) < 0) return -1;
    return now() - due;
}
