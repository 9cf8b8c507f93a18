// The program's version, as Package.swift has it. Compiled by itself, so that another version only links anew.
#pragma once
const char *midihub_version(void);
