//! Purlin: an application framework for backend services.
