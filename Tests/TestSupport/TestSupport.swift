// Filled by the tests that need it.
