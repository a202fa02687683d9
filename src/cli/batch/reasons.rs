//! Why a row or a list is refused, in words for the registrar: Vietnamese first, English second, each with
//! what to do. The words name columns and never repeat a value.

use crate::issuance::IssueError;
use std::fmt;

/// Something wrong with a row or a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Words {
    pub(super) code: &'static str,
    pub(super) vi: &'static str,
    pub(super) en: &'static str,
}

/// One reason for which a row or a list is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fault {
    code: &'static str,
    column: Option<String>,
    row: Option<u64>,
    detail: Option<String>,
}

impl Fault {
    pub(super) fn of(code: &'static str) -> Self {
        Self {
            code,
            column: None,
            row: None,
            detail: None,
        }
    }

    pub(super) fn in_column(self, column: &str) -> Self {
        Self {
            column: Some(column.to_owned()),
            ..self
        }
    }

    /// The row that it is about, or that stands in the way.
    pub(super) fn at_row(self, row: u64) -> Self {
        Self {
            row: Some(row),
            ..self
        }
    }

    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    pub(super) fn column(&self) -> &str {
        self.column.as_deref().unwrap_or_default()
    }

    pub(super) fn vi(&self) -> String {
        let said = words(self.code).map_or("Không cấp được", |words| words.vi);
        self.with_facts(said, "dòng")
    }

    pub(super) fn en(&self) -> String {
        let said = words(self.code).map_or("Cannot be issued", |words| words.en);
        self.with_facts(said, "row")
    }

    fn with_facts(&self, said: &str, row: &str) -> String {
        let mut said = said.to_owned();
        if let Some(number) = self.row {
            said = format!("{said} ({row} {number})");
        }
        if let Some(detail) = &self.detail {
            said = format!("{said} [{detail}]");
        }
        said
    }
}

/// For one line on a terminal.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(column) = &self.column {
            write!(f, "{column}: ")?;
        }
        write!(f, "{} / {} ({})", self.vi(), self.en(), self.code)
    }
}

/// Every reason for which an issue was refused; those of data by field.
pub(super) fn of_issue(error: &IssueError, number_field: &str) -> Vec<Fault> {
    let code = error.code().unwrap_or("auth/forbidden");
    match error {
        IssueError::Data(data) => {
            let fields = data.0.iter();
            fields
                .map(|one| Fault::of(one.problem.code()).in_column(&one.field))
                .collect()
        }
        IssueError::Duplicate(_) if code == "issue/duplicate-number" => {
            vec![Fault::of(code).in_column(number_field)]
        }
        IssueError::Duplicate(_) => vec![Fault::of(code).in_column("result_code")],
        IssueError::UnknownAgency | IssueError::Forbidden(_) => {
            vec![Fault::of(code).in_column("agency_code")]
        }
        IssueError::TooLarge(_) | IssueError::Pdf(_) | IssueError::NoPlace(_) => vec![Fault {
            detail: Some(error.to_string()),
            ..Fault::of(code)
        }],
        _ => vec![Fault::of(code)],
    }
}

/// The words of a code. Damage of a PDF has many codes and the same remedy.
fn words(code: &str) -> Option<Words> {
    let own = WORDS.iter().find(|words| words.code == code);
    let damaged = || WORDS.iter().find(|words| words.code == "pdf/").copied();
    own.copied()
        .or_else(|| code.starts_with("pdf/").then(damaged).flatten())
}

const fn says(code: &'static str, vi: &'static str, en: &'static str) -> Words {
    Words { code, vi, en }
}

const WORDS: &[Words] = &[
    says(
        "list/unreadable",
        "Không đọc được tệp danh sách; kiểm tra đường dẫn và quyền đọc",
        "The list cannot be read; look at its path and permissions",
    ),
    says(
        "list/no-folder",
        "Không có thư mục này",
        "There is no such folder",
    ),
    says(
        "list/empty",
        "Danh sách không có dòng nào",
        "The list has no row",
    ),
    says(
        "list/utf-16",
        "Tệp dùng bảng mã UTF-16; trong Excel chọn Lưu thành “CSV UTF-8”",
        "The file is UTF-16; in Excel save it as “CSV UTF-8”",
    ),
    says(
        "list/encoding",
        "Tệp không phải UTF-8 (có thể là Windows-1258, TCVN3 hoặc VNI); trong Excel chọn Lưu thành “CSV UTF-8”",
        "The file is not UTF-8 (perhaps Windows-1258, TCVN3 or VNI); in Excel save it as “CSV UTF-8”",
    ),
    says(
        "list/endless-row",
        "Dấu ngoặc kép mở ra mà không đóng lại; sửa ô bắt đầu bằng dấu ngoặc kép",
        "A quotation mark is opened and never closed; mend the cell that begins with it",
    ),
    says(
        "list/no-header",
        "Dòng đầu không nêu tên cột nào của loại kết quả này (dấu phân cách: dấu phẩy, chấm phẩy hoặc tab)",
        "The first line names no field of this result type (parted by commas, semicolons or tabs)",
    ),
    says(
        "list/unknown-column",
        "Loại kết quả này không có cột này; sửa tên, hoặc thêm # vào đầu tên để bỏ qua",
        "This result type has no such column; mend its name, or begin it with # to leave it out",
    ),
    says(
        "list/column-twice",
        "Tên cột này có hai lần",
        "The column is there twice",
    ),
    says(
        "row/cells",
        "Số ô khác số cột của dòng đầu",
        "The row has more or fewer cells than the first line has columns",
    ),
    says(
        "row/not-json",
        "Không phải một đối tượng JSON",
        "Not a JSON object",
    ),
    says(
        "row/no-data",
        "Không có tệp .json cùng tên",
        "There is no .json file of the same name",
    ),
    says(
        "row/no-pdf",
        "Không có tệp PDF của dòng này",
        "There is no PDF for this row",
    ),
    says(
        "row/pdf-path",
        "Tên tệp PDF dẫn ra ngoài thư mục",
        "The name of the PDF leads out of the folder",
    ),
    says(
        "row/pdf-unreadable",
        "Không đọc được tệp PDF",
        "The PDF cannot be read",
    ),
    says(
        "row/other-type",
        "Dữ liệu thuộc loại kết quả khác",
        "The data is of another result type",
    ),
    says("field/missing", "Thiếu giá trị", "Missing"),
    says(
        "field/unknown",
        "Loại kết quả không có trường này",
        "The result type has no such field",
    ),
    says("field/not-a-text", "Phải là văn bản", "Not a text"),
    says("field/not-a-list", "Phải là danh sách", "Not a list"),
    says(
        "field/not-a-date",
        "Phải là ngày có thật, viết như 2028-08-31",
        "Not an existing day written as 2028-08-31",
    ),
    says(
        "field/not-a-plate",
        "Phải là biển số viết như 43C-000.00",
        "Not a plate written as 43C-000.00",
    ),
    says(
        "field/not-a-tax-code",
        "Mã số thuế phải có 10 chữ số, hoặc 10 và 3",
        "Not a tax code of 10 digits, or 10 and 3",
    ),
    says(
        "field/not-a-personal-id",
        "Số định danh phải có 12 chữ số",
        "Not a personal number of 12 digits",
    ),
    says(
        "field/not-a-count",
        "Phải là số nguyên không âm",
        "Not a whole number from 0",
    ),
    says(
        "field/not-a-number",
        "Phải là số không âm, nhiều nhất ba chữ số thập phân sau dấu chấm",
        "Not a number from 0 with at most three decimals behind a point",
    ),
    says(
        "field/not-a-time-window",
        "Phải là khung giờ gồm ngày, từ và đến",
        "Not a time window of days, from and to",
    ),
    says(
        "field/not-a-dossier-code",
        "Không đúng dạng mã hồ sơ",
        "Not a dossier code",
    ),
    says(
        "field/not-a-result-code",
        "Không đúng dạng mã kết quả của hồ sơ này",
        "Not a result code of this dossier",
    ),
    says(
        "field/too-long",
        "Dài quá giới hạn của trường",
        "Longer than the field may be",
    ),
    says(
        "field/control-character",
        "Có ký tự điều khiển; gõ lại ô này",
        "Holds control characters; type the cell anew",
    ),
    says(
        "field/differs",
        "Khác giá trị phải có ở đây",
        "Another value than the one it must have here",
    ),
    says(
        "field/ends-before-it-begins",
        "Ngày hết hạn trước ngày bắt đầu",
        "The last day lies before the first",
    ),
    says(
        "field/has-no-end",
        "Loại kết quả này không có ngày hết hạn",
        "This result type has no last day",
    ),
    says(
        "issue/unknown-type",
        "Danh mục không có loại kết quả này",
        "The catalogue has no such result type",
    ),
    says(
        "issue/unknown-agency",
        "Không có cơ quan mang mã này ở đây",
        "No agency has this code here",
    ),
    says(
        "auth/forbidden",
        "Không được cấp cho cơ quan này",
        "Not allowed to issue for this agency",
    ),
    says(
        "issue/signatory-needed",
        "Loại kết quả này cần chữ ký của người có thẩm quyền trước",
        "The type needs the signature of an authorised person first",
    ),
    says(
        "issue/duplicate-result-code",
        "Mã kết quả đã được cấp với dữ liệu khác, hoặc dòng bị lặp",
        "The result code is issued already with other data, or the row is there twice",
    ),
    says(
        "issue/duplicate-number",
        "Số này đã được cấp",
        "The number is given already",
    ),
    says(
        "issue/too-large-for-qr",
        "Các trường đưa vào mã QR quá dài; rút gọn",
        "The fields in the QR are too long; shorten them",
    ),
    says(
        "issue/field-not-for-qr",
        "Một trường không đưa được vào mã QR",
        "A field cannot be carried by the QR",
    ),
    says(
        "issue/no-free-place",
        "Không còn chỗ trống trên trang để đặt mã QR",
        "There is no free place on the page for the symbol",
    ),
    says(
        "pdf/encrypted",
        "PDF bị mã hóa; bỏ mật khẩu rồi thử lại",
        "The PDF is encrypted; remove the password and try again",
    ),
    says(
        "pdf/active-content",
        "PDF có nội dung động (JavaScript, tệp đính kèm chạy được); in lại thành PDF thường",
        "The PDF has active content; print it as a plain PDF",
    ),
    says(
        "pdf/already-signed",
        "PDF đã có chữ ký số; dùng bản chưa ký",
        "The PDF is signed already; take the one before signing",
    ),
    says(
        "pdf/certified",
        "PDF được khóa không cho thay đổi; dùng bản chưa khóa",
        "The PDF is certified against changes; take the one before",
    ),
    says(
        "pdf/too-large",
        "PDF quá lớn; giảm độ phân giải ảnh quét",
        "The PDF is too large; scan at a lower resolution",
    ),
    // The rest: damage.
    says(
        "pdf/",
        "PDF hỏng hoặc có cấu trúc không dùng được; xuất lại tệp",
        "The PDF is damaged or of a structure that cannot be used; export it anew",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::FieldProblem;

    #[test]
    fn every_problem_of_a_field_has_its_words() {
        use FieldProblem as P;
        let all = [
            P::Missing,
            P::Unknown,
            P::NotAText,
            P::NotAList,
            P::NotADate,
            P::NotAPlate,
            P::NotATaxCode,
            P::NotAPersonalId,
            P::NotACount,
            P::NotANumber,
            P::NotATimeWindow,
            P::NotADossierCode,
            P::NotAResultCode,
            P::TooLong,
            P::ControlCharacter,
            P::Differs,
            P::EndsBeforeItBegins,
            P::HasNoEnd,
        ];
        for problem in all {
            let code = problem.code();
            assert_eq!(words(code).map(|words| words.code), Some(code));
        }
    }

    #[test]
    fn a_reason_reads_vietnamese_first_with_its_code_last() {
        let fault = Fault::of("issue/duplicate-number")
            .in_column("badge_number")
            .at_row(203);
        assert_eq!(
            fault.to_string(),
            "badge_number: Số này đã được cấp (dòng 203) / The number is given already (row 203) \
             (issue/duplicate-number)"
        );
    }

    #[test]
    fn damage_of_a_pdf_shares_its_words_and_keeps_its_code() {
        let fault = Fault::of("pdf/xref-damaged");
        assert!(fault.vi().starts_with("PDF hỏng"));
        assert_eq!(fault.code(), "pdf/xref-damaged");
        assert_eq!(words("other/code"), None);
    }
}
