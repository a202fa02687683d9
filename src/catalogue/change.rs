//! What may be decided about a result after it was issued, as words that files, API and register share.

/// A kind of decision about an issued result.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ChangeKind {
    /// Thu hồi: the right is withdrawn.
    Revocation,
    /// Thu hồi văn bản (NĐ 30/2020 Đ18.4): the agency takes its own document back, since it should not have
    /// gone out so.
    Recall,
    /// Tạm đình chỉ, tước quyền sử dụng có thời hạn.
    Suspension,
    /// Khôi phục: the end of a suspension before its day.
    Reinstatement,
    /// Hủy hiệu lực (NĐ 45/2020 Đ15): issued by mistake, void from the start.
    Cancellation,
    /// Thay thế (cấp lại, cấp đổi): another result takes its place.
    Replacement,
    /// Nộp lại: the holder gave it back.
    Surrender,
    /// Đính chính (NĐ 30/2020 Đ18.3): a notice about a fault of form; the result stays as it stands.
    Erratum,
}

impl ChangeKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Revocation,
        Self::Recall,
        Self::Suspension,
        Self::Reinstatement,
        Self::Cancellation,
        Self::Replacement,
        Self::Surrender,
        Self::Erratum,
    ];

    /// The word in files, in the API and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Revocation => "revocation",
            Self::Recall => "recall",
            Self::Suspension => "suspension",
            Self::Reinstatement => "reinstatement",
            Self::Cancellation => "cancellation",
            Self::Replacement => "replacement",
            Self::Surrender => "surrender",
            Self::Erratum => "erratum",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
