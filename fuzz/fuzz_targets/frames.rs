#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| purlin_fuzz::frames(data));
