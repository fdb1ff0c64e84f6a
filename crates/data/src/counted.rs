//! Counts with nouns.

/// `1 token`, `2 tokens`: a count with its noun, given in the plural.
pub fn counted(count: usize, nouns: &str) -> String {
    if count != 1 {
        return format!("{count} {nouns}");
    }
    let endings = [("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("s", "")];
    let one = endings.iter().find_map(|(many, one)| Some(nouns.strip_suffix(many)?.to_owned() + one));
    format!("1 {}", one.as_deref().unwrap_or(nouns))
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_singular() {
        let one = ["tokens", "pieces", "classes", "batches", "galleries", "pixels"].map(|nouns| counted(1, nouns));
        assert_eq!(one, ["1 token", "1 piece", "1 class", "1 batch", "1 gallery", "1 pixel"]);
        assert_eq!([counted(0, "texts"), counted(2, "texts")], ["0 texts", "2 texts"]);
    }
}
