#include "version.h"

const char *midihub_version(void) { return MIDIHUB_VERSION; }
