// alsa-lib's sequencer API; macros that Swift cannot see stand below as static inline.
#pragma once
#include <alsa/asoundlib.h>
