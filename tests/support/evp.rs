//! The test format of OpenSSL and Tongsuo (evp_test): stanzas of `Key = value` lines.

/// One stanza: its lines in order.
#[derive(Debug)]
pub struct Case(Vec<(String, String)>);

/// All stanzas of a file. Comments are left out, PEM blocks follow the line that names them.
pub fn cases(text: &str) -> Vec<Case> {
    let mut cases = vec![Case(Vec::new())];
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let lines = &mut cases.last_mut().expect("one").0;
        if line.is_empty() {
            cases.push(Case(Vec::new()));
        } else if let Some((key, value)) = line.split_once('=').filter(|(key, _)| !key.starts_with("-----")) {
            let pem_line =
                lines.last().is_some_and(|(_, value)| value.contains("-----BEGIN") && !value.contains("-----END"));
            if pem_line {
                append(lines, line);
            } else {
                lines.push((key.trim().to_owned(), value.trim().to_owned()));
            }
        } else {
            append(lines, line);
        }
    }
    cases.retain(|case| !case.0.is_empty());
    cases
}

fn append(lines: &mut [(String, String)], line: &str) {
    let (_, value) = lines.last_mut().expect("a block follows its name");
    value.push('\n');
    value.push_str(line);
}

impl Case {
    /// Whether there is such a line.
    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(name, _)| name == key)
    }

    /// The value of the first such line.
    ///
    /// # Panics
    /// Without such a line.
    pub fn get(&self, key: &str) -> &str {
        &self.0.iter().find(|(name, _)| name == key).unwrap_or_else(|| panic!("{key} in {self:?}")).1
    }

    /// The value of the first such line, or `default`.
    pub fn get_or<'a>(&'a self, key: &str, default: &'a str) -> &'a str {
        if self.has(key) { self.get(key) } else { default }
    }

    /// The value as bytes: hexadecimal, or text in quotation marks.
    ///
    /// # Panics
    /// For anything else.
    pub fn bytes(&self, key: &str) -> Vec<u8> {
        let value = self.get(key);
        match value.strip_prefix('"') {
            Some(text) => text.strip_suffix('"').expect("a closing quotation mark").as_bytes().to_vec(),
            None => hex::decode(value).expect("hexadecimal"),
        }
    }
}
