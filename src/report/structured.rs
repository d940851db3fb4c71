//! Values as JSON and YAML, to the byte as Python's `json.dumps(value, indent=2)` and `sigs.k8s.io/yaml` write them.
//!
//! In: any value that serde can write. Out: a document without a line break at its end.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use crate::error::{InternalError, Result};
use crate::yaml::to_yaml;

/// The value as JSON: fields in their own order, two spaces a level, ASCII alone.
///
/// ```
/// let text = kubepki::report::structured::json(&serde_json::json!({"name": "bücher", "none": []}))?;
/// assert_eq!(text, "{\n  \"name\": \"b\\u00fccher\",\n  \"none\": []\n}");
/// # Ok::<(), kubepki::error::Error>(())
/// ```
///
/// # Errors
/// [`InternalError::Panic`] for what is not plain data: the name of a file that is not UTF-8.
pub fn json(value: &impl Serialize) -> Result<String> {
    let mut text = Vec::new();
    value
        .serialize(&mut Serializer::with_formatter(&mut text, Ascii(PrettyFormatter::new())))
        .map_err(|error| not_plain(&error))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The value as JSON on one line.
///
/// # Errors
/// As [`json`].
pub fn line(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(value).map_err(|error| not_plain(&error))?)
}

/// The value, which has fields, as YAML; keys in alphabetical order.
///
/// # Errors
/// As [`json`]; for a value without fields too.
pub fn yaml(value: &impl Serialize) -> Result<String> {
    match serde_json::to_value(value).map_err(|error| not_plain(&error))? {
        Value::Object(fields) => Ok(to_yaml(&fields).trim_end_matches('\n').to_owned()),
        other => Err(InternalError::Panic { message: format!("no document is made of {other}") }.into()),
    }
}

fn not_plain(error: &serde_json::Error) -> InternalError {
    InternalError::Panic { message: error.to_string() }
}

/// Python's layout: as that of `serde_json`, with all but ASCII escaped.
struct Ascii<'i>(PrettyFormatter<'i>);

impl Formatter for Ascii<'_> {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let is_plain = |letter: char| matches!(letter, ' '..='~');
        let mut rest = fragment;
        while let Some(odd) = rest.chars().find(|letter| !is_plain(*letter)) {
            let (plain, from_odd) = rest.split_at(rest.find(odd).unwrap_or_default());
            writer.write_all(plain.as_bytes())?;
            for unit in odd.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &from_odd[odd.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_f64<W: Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(float(value).as_bytes())
    }

    fn begin_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

/// The fewest digits that say which number it is, as Python's `repr` lays them out.
fn float(value: f64) -> String {
    let short = format!("{value:e}");
    let (digits, exponent) = short.split_once('e').unwrap_or((&short, "0"));
    match exponent.parse::<i32>().unwrap_or_default() {
        -4..16 => format!("{value:?}"),
        exponent @ 0.. => format!("{digits}e+{exponent:02}"),
        exponent => format!("{digits}e-{:02}", exponent.unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_any_script_is_escaped_as_python_escapes_it() {
        let text = json(&"a\"\\/\n\t\u{8}\u{c}\u{1}\u{7f}ü€\u{1f511}").unwrap();
        assert_eq!(text, r#""a\"\\/\n\t\b\f\u0001\u007f\u00fc\u20ac\ud83d\udd11""#);
    }

    #[test]
    fn numbers_are_laid_out_as_python_lays_them_out() {
        let numbers = [0.0, 3.0, 0.1, 1e-4, 1.5e-5, 1e15, 1e16, 1.25e22];
        let shown = ["0.0", "3.0", "0.1", "0.0001", "1.5e-05", "1000000000000000.0", "1e+16", "1.25e+22"];
        assert_eq!(numbers.map(float), shown);
    }

    #[test]
    fn a_document_keeps_the_order_of_fields_in_json_and_sorts_them_in_yaml() {
        #[derive(Serialize)]
        struct Two {
            b: Vec<u8>,
            a: Option<&'static str>,
        }
        let two = Two { b: vec![1], a: Some("010") };
        assert_eq!(json(&two).unwrap(), "{\n  \"b\": [\n    1\n  ],\n  \"a\": \"010\"\n}");
        assert_eq!(yaml(&two).unwrap(), "a: \"010\"\nb:\n- 1");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_name_that_is_no_text_is_an_error() {
        use std::os::unix::ffi::OsStringExt as _;
        let path = std::path::PathBuf::from(std::ffi::OsString::from_vec(vec![0xff]));
        assert_eq!(json(&path).unwrap_err().code(), "internal.panic");
        assert!(yaml(&"a").is_err());
    }
}
