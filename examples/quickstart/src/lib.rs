//! A complete service on embedded defaults.
