//! Accept loops, limits and drain over hyper-util, under the admin server and purlin-http.
