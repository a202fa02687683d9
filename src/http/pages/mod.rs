//! The public pages: whole without JavaScript, one response each, Vietnamese first.
//!
//! A handler fills one of the view models ([`Home`], [`Landing`], [`NotFound`], [`Checked`], [`ProblemPage`])
//! and calls its `render`; nothing here knows the register. Every page shows the three answers apart and
//! never merges them (1 signature, 2 status, 3 match). Words come from `web/i18n`, looks from `web/style`
//! and `web/icons`, and [`csp`] is the policy that goes with all of them.
//!
//! **Invariants:** text from codes, files and data is [`Shown`], so it carries no bidi or control
//! characters, and the templates escape it; claims that nobody vouches for stand only in the frame of
//! [`Checked`] that says so; a page carries no style attribute and asks for nothing more.

mod answers;
mod assets;
mod checked;
mod home;
mod landing;
mod problem;
mod shown;
mod words;

pub use answers::{Knowledge, Status, StatusDetail, Subject};
pub use assets::csp;
pub use checked::{Checked, Input, Signed};
pub use home::{Home, HomeMessage};
pub use landing::{CheckKey, CodeCheck, Erratum, Fact, FactKind, Landing};
pub use problem::{NotFound, Problem, ProblemPage};
pub use shown::Shown;
pub use words::asked_language;

use crate::catalogue::{Label, Language};
use crate::clock::UnixTime;
use words::{Words, other, tag, words};

/// Whose service this is: the same on every page.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Site {
    /// Name of the system, "Hệ thống kết quả điện tử".
    pub system: Label,
    /// Who owns it (chủ quản hệ thống thông tin).
    pub owner: Label,
    /// The host that the codes name, `qr.vidu.test`.
    pub host: String,
}

/// Where, when and in which language a page is read.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// The service.
    pub site: &'a Site,
    /// The language of the page.
    pub language: Language,
    /// Now.
    pub now: UnixTime,
}

/// What every template needs.
struct Frame<'a> {
    visit: Visit<'a>,
    title: String,
    /// Where the link to the other language leads.
    switch: &'a str,
    words: &'static Words,
    style: &'static str,
    script: &'static str,
}

impl<'a> Frame<'a> {
    fn new(visit: Visit<'a>, title: String) -> Self {
        Self {
            visit,
            title,
            switch: match visit.language {
                Language::Vi => "?lang=en",
                Language::En => "?",
            },
            words: words(visit.language),
            style: assets::style(),
            script: assets::script(),
        }
    }

    fn lang(&self) -> &'static str {
        tag(self.visit.language)
    }

    /// The words of the other language.
    fn other(&self) -> &'static Words {
        words(other(self.visit.language))
    }

    fn other_lang(&self) -> &'static str {
        tag(other(self.visit.language))
    }

    /// The home page in the language of this one.
    fn home(&self) -> &'static str {
        match self.visit.language {
            Language::Vi => "/",
            Language::En => "/?lang=en",
        }
    }

    fn system(&self) -> Tagged {
        Tagged::new(&self.visit.site.system, self.visit.language)
    }

    fn owner(&self) -> Tagged {
        Tagged::new(&self.visit.site.owner, self.visit.language)
    }

    fn host(&self) -> &str {
        &self.visit.site.host
    }

    #[expect(clippy::unused_self, reason = "templates call it on the frame")]
    fn tab_icon(&self) -> &'static str {
        assets::tab_icon()
    }

    #[expect(clippy::unused_self, reason = "templates call it on the frame")]
    fn icon(&self, name: &str) -> &'static str {
        assets::icon(name)
    }
}

/// Words with their language, where it is not the page's own.
struct Tagged {
    text: Shown,
    lang: Option<&'static str>,
}

impl Tagged {
    /// A label in the page's language; in Vietnamese, and marked so, where it has no other.
    fn new(label: &Label, language: Language) -> Self {
        let english = Shown::new(&label.en);
        let same = label.en == label.vi;
        match language {
            Language::En if !english.is_empty() && !same => Self {
                text: english,
                lang: None,
            },
            _ => Self::vietnamese(Shown::new(&label.vi), language),
        }
    }

    /// Words that exist in Vietnamese only.
    fn vietnamese(text: Shown, language: Language) -> Self {
        let lang = (language != Language::Vi).then(|| tag(Language::Vi));
        Self { text, lang }
    }
}

/// Renders a template. All of them are checked at compile time and write to memory.
fn html(template: &impl askama::Template) -> String {
    template.render().unwrap_or_default()
}
