// SQLite's own header is enough; what Swift cannot call (variadics) stands below as static inline.
#pragma once
#include <sqlite3.h>
