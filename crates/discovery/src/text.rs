//! Names and addresses as Prometheus writes them.

/// `HOST:PORT`, an IPv6 host in brackets.
pub(crate) fn host_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// A text as a part of a label's name: what may not stand there becomes `_`.
pub(crate) fn label_part(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names() {
        assert_eq!(host_port("a", 1), "a:1");
        assert_eq!(host_port("fd00::1", 1), "[fd00::1]:1");
        assert_eq!(label_part("com.docker/compose-é_1"), "com_docker_compose___1");
    }
}
