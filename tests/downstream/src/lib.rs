//! A service as its users write it: everything comes through `purlin`.

use purlin as _;
