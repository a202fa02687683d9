//! Vectors about the text: what is not ours, what is misspelled, what is newer than we are.

use super::vectors::Vector;
use super::world::{self, HOST, ID};
use dauso::credential::numeric;

pub(super) fn vectors() -> Vec<Vector> {
    let good = world::text(&world::badge(), "sxd");
    let (address, digits) = good.split_once('#').unwrap();
    let with = |digits: &str| format!("{address}#{digits}");
    let mut bytes = numeric::decode(digits).unwrap();
    let mut version = |version: u8| {
        bytes[0] = version;
        with(&numeric::encode(&bytes))
    };
    let (version_0, version_2) = (version(0), version(2));
    // One more than the largest value of 7 bytes, in front of everything else.
    let over_group = with(&format!("72057594037927936{}", &digits[17..]));
    let (groups, tail) = digits.split_at(digits.len() / 17 * 17);
    let over_tail = with(&format!("{groups}{}", "9".repeat(tail.len())));
    let foreign = "undetermined code/foreign";
    let unread = Vector::unread;
    let trailing = "fail code/trailing-text";
    vec![
        unread(
            "code-foreign-text",
            "A text that has nothing to do with us",
            "XE HỢP ĐỒNG 43B-000.00".into(),
            foreign,
        ),
        unread(
            "code-foreign-empty",
            "An empty text",
            String::new(),
            foreign,
        ),
        unread(
            "code-foreign-url",
            "Another address",
            "https://example.test/menu".into(),
            foreign,
        ),
        unread(
            "code-foreign-url-with-fragment",
            "An upper-case address with words behind the #",
            "HTTPS://EXAMPLE.TEST/MENU#TOP".into(),
            foreign,
        ),
        unread(
            "code-foreign-lower-case",
            "Our text with scheme and host in lower case: another spelling is another text",
            good.replace("HTTPS://QR.VIDU.TEST", "https://qr.vidu.test"),
            foreign,
        ),
        unread(
            "code-foreign-http",
            "Our text under http",
            good.replace("HTTPS", "HTTP"),
            foreign,
        ),
        unread(
            "code-foreign-leading-space",
            "A space before our text",
            format!(" {good}"),
            foreign,
        ),
        unread(
            "code-foreign-host-missing",
            "No host",
            good.replace(HOST, ""),
            foreign,
        ),
        unread(
            "code-too-long",
            "2,049 bytes",
            with(&"0".repeat(2_049 - address.len() - 1)),
            "undetermined code/too-long",
        ),
        unread(
            "code-bad-id-letter",
            "A U in the look-up code, which its alphabet does not have",
            good.replace(ID, "7K3M9QX2TB4C5D6U"),
            "fail code/bad-id",
        ),
        unread(
            "code-bad-id-lower-case",
            "The look-up code in lower case",
            good.replace(ID, &ID.to_lowercase()),
            "fail code/bad-id",
        ),
        unread(
            "code-bad-id-short",
            "A look-up code of 15 characters",
            good.replace(ID, &ID[..15]),
            "fail code/bad-id",
        ),
        unread(
            "code-bad-id-path",
            "A path before the look-up code",
            good.replace(ID, &format!("1/{ID}")),
            "fail code/bad-id",
        ),
        unread(
            "code-no-credential",
            "The address of the look-up page",
            address.into(),
            "undetermined code/no-credential",
        ),
        unread(
            "code-no-credential-empty",
            "Nothing behind the #",
            with(""),
            "undetermined code/no-credential",
        ),
        unread(
            "code-trailing-space",
            "A space behind the digits",
            format!("{good} "),
            trailing,
        ),
        unread(
            "code-trailing-line-feed",
            "A line feed behind the digits",
            format!("{good}\n"),
            trailing,
        ),
        unread(
            "code-trailing-text",
            "Words behind the digits",
            format!("{good}&X=1"),
            trailing,
        ),
        unread(
            "code-trailing-digits-full-width",
            "Full-width digits",
            with(&digits.replacen('0', "０", 1)),
            trailing,
        ),
        unread(
            "code-tail-length-cut",
            "The last digit is missing",
            with(&digits[..digits.len() - 1]),
            "fail code/tail-length",
        ),
        unread(
            "code-tail-length-one",
            "One digit",
            with("7"),
            "fail code/tail-length",
        ),
        unread(
            "code-not-canonical-group",
            "17 digits that stand for 2^56",
            over_group,
            "fail code/not-canonical",
        ),
        unread(
            "code-not-canonical-tail",
            "A tail of nines",
            over_tail,
            "fail code/not-canonical",
        ),
        unread(
            "code-unknown-version",
            "Version 2 of the format",
            version_2,
            "undetermined code/unknown-version",
        ),
        unread(
            "code-unknown-version-0",
            "Version 0 of the format",
            version_0,
            "undetermined code/unknown-version",
        ),
    ]
}
