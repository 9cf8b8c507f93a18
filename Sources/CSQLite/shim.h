// SQLite's own header is enough; what Swift cannot call (variadics) stands below as static inline.
#pragma once
#include <sqlite3.h>

// sqlite3_db_config is variadic; the options used here all take an int and a place for the answer.
static inline int midihub_sqlite3_db_config(sqlite3 *database, int option, int on) {
    return sqlite3_db_config(database, option, on, (int *)0);
}
