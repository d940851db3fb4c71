//! The flags of a component's command line.
//!
//! In: its words. Out: names without dashes, and values. It decides nothing about what a flag means.
//! Source: Go's `spf13/pflag`; a word that begins with a dash is taken for the next flag.

/// `--name=value`, `--name value`, and `--name` alone, which has no value; in order.
pub fn flags<'w>(words: impl IntoIterator<Item = &'w str>) -> Vec<(&'w str, Option<&'w str>)> {
    let mut words = words.into_iter().peekable();
    let mut flags = Vec::new();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix("--") else { continue };
        flags.push(match flag.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (flag, words.next_if(|next| !next.starts_with('-'))),
        });
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_behind_the_sign_or_the_next_word_or_missing() {
        let words = ["kubelet", "--config", "/a", "--config-dir=/d", "--rotate", "--v=", "-x", "--last"];
        let expected =
            [("config", Some("/a")), ("config-dir", Some("/d")), ("rotate", None), ("v", Some("")), ("last", None)];
        assert_eq!(flags(words), expected);
    }
}
