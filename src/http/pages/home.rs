//! The home page: type a look-up code, choose a file, what this is.

use super::words::words;
use super::{Frame, Visit, html};
use askama::Template;

/// `GET /`.
///
/// The form for the code sends `GET /?ma=…`, the form for the file `POST /` (multipart, part `tep`). The
/// English page adds `lang=en` to both addresses, and a part `lang` to the multipart body.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Home {
    /// What was wrong with what the reader sent before.
    pub message: Option<HomeMessage>,
}

/// What was wrong with what the reader sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HomeMessage {
    /// This is not a look-up code; it is put back into the field.
    CodeMisspelled(String),
    /// No file was chosen.
    FileMissing,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Page<'a> {
    frame: Frame<'a>,
    typed: &'a str,
    code_misspelled: bool,
    file_missing: bool,
}

impl Home {
    /// The page.
    #[must_use]
    pub fn render(&self, visit: Visit<'_>) -> String {
        let typed = match &self.message {
            Some(HomeMessage::CodeMisspelled(typed)) => typed.as_str(),
            _ => "",
        };
        html(&Page {
            frame: Frame::new(visit, words(visit.language).home.title.clone()),
            typed: super::Shown::new(typed).as_str(),
            code_misspelled: matches!(self.message, Some(HomeMessage::CodeMisspelled(_))),
            file_missing: self.message == Some(HomeMessage::FileMissing),
        })
    }
}
