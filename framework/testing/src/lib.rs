//! The test kit of Purlin: TestApp, event spy, held clock.
