//! The admin server of a Purlin application: health, metrics, graph, configuration.
