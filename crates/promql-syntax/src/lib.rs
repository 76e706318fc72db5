//! PromQL's lexer, parser, type check and printer; must not know storage.
