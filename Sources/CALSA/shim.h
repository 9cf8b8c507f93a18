// alsa-lib's sequencer API; what Swift cannot call or see stands below as static inline.
#pragma once
#include <alsa/asoundlib.h>
#include <sys/ioctl.h>

// A variadic callback: alsa-lib writes its complaints to standard error unless it is given one.
static inline void midihub_alsa_ignore(const char *file, int line, const char *function, int error, const char *format, ...) {
    (void)file; (void)line; (void)function; (void)error; (void)format;
}
static inline void midihub_alsa_quiet(void) { snd_lib_error_set_handler(midihub_alsa_ignore); }

// Ends the subscriptions of other ports to `port` of the client whose device is open as `fd`. By the kernel's own calls, for
// a process that has inherited the descriptor: alsa-lib cannot take one over, and <sound/asequencer.h>, where the two
// structures and the three numbers stand, cannot be included beside its headers.
static inline void midihub_alsa_end_subscriptions(int fd, unsigned char port) {
    struct address { unsigned char client, port; };
    struct query {
        struct address root; int type, index, count; struct address found; unsigned char queue; unsigned flags;
        char reserved[64];
    } query;
    struct subscription {
        struct address sender, dest; unsigned voices, flags; unsigned char queue, pad[3]; char reserved[64];
    } subscription;
    int client = 0;
    if (ioctl(fd, _IOR('S', 0x01, int), &client) < 0) return;
    for (;;) {
        memset(&query, 0, sizeof query);
        query.root.client = client, query.root.port = port;
        query.type = 1;  // who sends to it
        if (ioctl(fd, _IOWR('S', 0x4f, struct query), &query) < 0) return;
        memset(&subscription, 0, sizeof subscription);
        subscription.sender = query.found, subscription.dest = query.root;
        if (ioctl(fd, _IOW('S', 0x31, struct subscription), &subscription) < 0) return;
    }
}
