//! Go's text/template with host objects; must not know alerts or PromQL.
