// The program's version. Its text is in a target of its own, so that another version only links anew.
#pragma once
const char *midihub_version(void);
