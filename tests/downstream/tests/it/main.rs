//! What a user meets: the compiler's words, the report's words, and a running application.

mod missing;
mod wired;
