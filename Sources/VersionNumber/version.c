// Package.swift says which.
const char *midihub_version(void) { return MIDIHUB_VERSION; }
