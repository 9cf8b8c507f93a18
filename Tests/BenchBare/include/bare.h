#pragma once
#include <netinet/in.h>

/// Receives datagrams on `in` and sends each on to `port` of 127.0.0.1 from the same socket, until one of a single octet comes.
void bare_relay(int in, unsigned short port);

/// Sends `count` datagrams of `size` octets in batches of 64 to `ports` of 127.0.0.1 in turn. Returns how many the kernel took.
long bare_send(int socket, const unsigned short *ports, int portCount, long count, int size);

/// Waits so many nanoseconds in read(2) of a timerfd, by the clock that the event loop's has too. Returns how many it came late.
long bare_timer(int timer, long nanoseconds);

/// Such a timerfd.
int bare_timer_open(void);
