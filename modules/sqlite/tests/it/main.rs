//! Against real databases, in directories that are thrown away.

extern crate purlin_core as purlin;

mod cancel;
mod durability;
mod migrations;
mod opening;
mod routing;
mod sharing;
mod support;
mod transactions;
