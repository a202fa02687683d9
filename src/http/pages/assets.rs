//! What stands inside every page: its style, its script, its icons, and the policy that allows just these.
//!
//! A page is one response. The style and the script are inline and named in the Content-Security-Policy by
//! their SHA-256, computed from the very bytes that the templates insert.

use crate::digest::Sha256;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use std::collections::HashMap;
use std::sync::LazyLock;

const TOKENS: &str = include_str!("../../../web/style/tokens.css");

static STYLE: LazyLock<String> = LazyLock::new(|| {
    let public = include_str!("../../../web/style/public.css");
    compact_style(&[TOKENS, public].concat())
});

static SCRIPT: LazyLock<String> =
    LazyLock::new(|| compact_script(include_str!("../../../web/landing/verify.js")));

static ICONS: LazyLock<HashMap<&str, String>> =
    LazyLock::new(|| read_icons(include_str!("../../../web/icons/icons.svg")));

static TAB_ICON: LazyLock<String> = LazyLock::new(|| {
    let mark = icon("mark").replace("currentColor", token("--act"));
    let drawing = mark.split_once('>').map_or("", |(_, drawing)| drawing);
    format!("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'><circle cx='12' cy='12' r='12' fill='{}'/>{drawing}", token("--paper"))
        .replace('"', "'")
        .replace('#', "%23")
        .replace('<', "%3C")
        .replace('>', "%3E")
});

static CSP: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; img-src 'self' data:; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        source(style()),
        source(script())
    )
});

/// The value of the `Content-Security-Policy` header for every page of this module.
#[must_use]
pub fn csp() -> &'static str {
    &CSP
}

/// The picture of the tab, as a `data:` address: without it a browser would ask for one more file.
pub(super) fn tab_icon() -> &'static str {
    &TAB_ICON
}

/// The text of the one `<style>` element.
pub(super) fn style() -> &'static str {
    &STYLE
}

/// The text of the landing page's `<script type="module">` element.
pub(super) fn script() -> &'static str {
    &SCRIPT
}

/// An icon of `web/icons/icons.svg` as an inline element. It carries no meaning of its own: words stand
/// beside it.
pub(super) fn icon(name: &str) -> &'static str {
    ICONS.get(name).map_or("", String::as_str)
}

/// A colour of the light theme, the first one in the tokens.
fn token(name: &str) -> &'static str {
    TOKENS
        .split_once(&format!("{name}: "))
        .and_then(|(_, rest)| rest.split_once(';'))
        .map_or("", |(value, _)| value)
}

/// The policy's name for an inline element with this text.
fn source(text: &str) -> String {
    let digest = Sha256::of(text.as_bytes());
    format!("sha256-{}", BASE64_STANDARD.encode(digest.0))
}

/// Drops comments, line ends and the spaces that CSS does not need.
fn compact_style(css: &str) -> String {
    let mut bare = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, comment)) = rest.split_once("/*") {
        bare.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    bare.push_str(rest);
    let mut compact = bare.split_whitespace().collect::<Vec<_>>().join(" ");
    for mark in ["{", "}", ";", ","] {
        for spaced in [format!(" {mark}"), format!("{mark} ")] {
            compact = compact.replace(&spaced, mark);
        }
    }
    compact.replace(": ", ":").replace(";}", "}")
}

/// Drops indentation, empty lines and comments, which in this script stand on lines of their own.
fn compact_script(script: &str) -> String {
    script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .filter(|line| {
            !["//", "/**", "* ", "*/"]
                .iter()
                .any(|mark| line.starts_with(mark))
        })
        .filter(|line| *line != "*")
        .collect::<Vec<_>>()
        .join("\n")
}

/// Cuts the symbols out of the sprite.
fn read_icons(sprite: &'static str) -> HashMap<&'static str, String> {
    sprite
        .split("<symbol id=\"")
        .skip(1)
        .filter_map(|symbol| {
            let (name, rest) = symbol.split_once('"')?;
            let (_, drawing) = rest.split_once('>')?;
            let (drawing, _) = drawing.split_once("</symbol>")?;
            let icon = format!(
                "<svg class=\"ico\" viewBox=\"0 0 24 24\" aria-hidden=\"true\" focusable=\"false\">{drawing}</svg>"
            );
            Some((name, icon))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_keeps_its_rules_and_loses_its_comments() {
        assert_eq!(
            compact_style(
                "/* a */ .b , .c { color : red;\n  margin: 0 auto; }\n@media (x) and (y) { d > e {} }"
            ),
            ".b,.c{color :red;margin:0 auto}@media (x) and (y){d > e{}}"
        );
        assert!(!style().contains("/*") && !style().contains('<'));
        assert_eq!(style().matches('{').count(), style().matches('}').count());
    }

    #[test]
    fn nothing_inside_can_close_its_element() {
        assert!(!style().contains("</"));
        assert!(!script().contains("</") && !script().contains("<!--"));
    }

    #[test]
    fn the_script_has_no_comments_left() {
        assert!(
            !script()
                .lines()
                .any(|line| line.starts_with("//") || line.starts_with('*'))
        );
        assert!(script().len() > 1_000);
    }

    #[test]
    fn the_policy_names_the_style_and_the_script_by_their_hashes() {
        assert_eq!(
            source(""),
            "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
        assert!(csp().starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(!csp().contains("unsafe"));
    }

    #[test]
    fn every_icon_of_the_sprite_is_found() {
        assert_eq!(
            ICONS.len(),
            include_str!("../../../web/icons/icons.svg")
                .matches("<symbol")
                .count()
        );
        assert!(icon("revoked").starts_with("<svg class=\"ico\""));
    }
}
