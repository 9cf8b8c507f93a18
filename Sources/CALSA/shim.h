// alsa-lib's sequencer API; what Swift cannot call or see stands below as static inline.
#pragma once
#include <alsa/asoundlib.h>

// A variadic callback: alsa-lib writes its complaints to standard error unless it is given one.
static inline void midihub_alsa_ignore(const char *file, int line, const char *function, int error, const char *format, ...) {
    (void)file; (void)line; (void)function; (void)error; (void)format;
}
static inline void midihub_alsa_quiet(void) { snd_lib_error_set_handler(midihub_alsa_ignore); }
