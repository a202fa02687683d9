//! The list itself: two bits an entry.

use super::StatusError;
use crate::limits;
use std::io::Read as _;

/// Status of one result (draft §7.1; 3 is application specific).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Status {
    /// 0: issued and not touched since, or nobody's.
    #[default]
    Valid,
    /// 1: revoked, cancelled or given back; never valid again.
    Invalid,
    /// 2: suspended; may become valid again.
    Suspended,
    /// 3: replaced by another result; never valid again.
    Superseded,
}

impl Status {
    /// Every status; its place is its value.
    pub const ALL: [Self; 4] = [
        Self::Valid,
        Self::Invalid,
        Self::Suspended,
        Self::Superseded,
    ];

    /// The value in the list, 0 to 3.
    #[must_use]
    pub fn value(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::Suspended => 2,
            Self::Superseded => 3,
        }
    }

    /// Whether no later list may say otherwise.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Invalid | Self::Superseded)
    }
}

/// Entries of a byte.
const PER_BYTE: u32 = 4;

/// Statuses by index.
#[derive(Clone, Eq, PartialEq)]
pub struct StatusList {
    bytes: Vec<u8>,
}

impl std::fmt::Debug for StatusList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StatusList({} entries)", self.entries())
    }
}

impl StatusList {
    /// A list of at least `entries` valid entries; their number is rounded up to a multiple of four.
    ///
    /// # Errors
    /// [`StatusError::Entries`] for none, or more than 2^20.
    pub fn new(entries: u32) -> Result<Self, StatusError> {
        if !(1..=limits::STATUS_LIST_ENTRIES).contains(&entries) {
            return Err(StatusError::Entries(entries));
        }
        let bytes = usize::try_from(entries.div_ceil(PER_BYTE));
        Ok(Self {
            bytes: vec![0; bytes.map_err(|_| StatusError::Entries(entries))?],
        })
    }

    /// Number of entries.
    #[must_use]
    pub fn entries(&self) -> u32 {
        u32::try_from(self.bytes.len())
            .unwrap_or(u32::MAX)
            .saturating_mul(PER_BYTE)
    }

    /// The status at `index`; `None` beyond the end.
    #[must_use]
    pub fn get(&self, index: u32) -> Option<Status> {
        let byte = self.bytes.get(usize::try_from(index / PER_BYTE).ok()?)?;
        match byte >> shift(index) & 3 {
            0 => Some(Status::Valid),
            1 => Some(Status::Invalid),
            2 => Some(Status::Suspended),
            _ => Some(Status::Superseded),
        }
    }

    /// Writes the status at `index`.
    ///
    /// # Errors
    /// [`StatusError::OutOfRange`] beyond the end.
    pub fn set(&mut self, index: u32, status: Status) -> Result<(), StatusError> {
        let entries = self.entries();
        let place = usize::try_from(index / PER_BYTE).unwrap_or(usize::MAX);
        let byte = self.bytes.get_mut(place);
        let byte = byte.ok_or(StatusError::OutOfRange { index, entries })?;
        *byte = *byte & !(3 << shift(index)) | status.value() << shift(index);
        Ok(())
    }

    /// The bytes before compression.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// ZLIB (RFC 1950) at the highest level, as the draft recommends.
    #[must_use]
    pub(super) fn compressed(&self) -> Vec<u8> {
        let mut out = Vec::new();
        // Reading from memory into memory cannot fail.
        let _ = flate2::read::ZlibEncoder::new(self.bytes.as_slice(), flate2::Compression::best())
            .read_to_end(&mut out);
        out
    }

    /// Reads what [`Self::compressed`] or any other ZLIB encoder made, and never more than a list has.
    pub(super) fn inflated(compressed: &[u8]) -> Result<Self, StatusError> {
        let most = u64::from(limits::STATUS_LIST_ENTRIES / PER_BYTE);
        let mut decoder = flate2::bufread::ZlibDecoder::new(compressed);
        let mut bytes = Vec::new();
        decoder
            .by_ref()
            .take(most.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|_| StatusError::Compressed)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
            return Err(StatusError::Bomb);
        }
        if bytes.is_empty() {
            return Err(StatusError::Entries(0));
        }
        if decoder.total_in() != u64::try_from(compressed.len()).unwrap_or(u64::MAX) {
            return Err(StatusError::Compressed);
        }
        Ok(Self { bytes })
    }
}

fn shift(index: u32) -> u32 {
    (index % PER_BYTE) << 1
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let pairs = hex.as_bytes().chunks(2);
        pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// draft-ietf-oauth-status-list §4.1, the example of two bits.
    #[test]
    fn the_two_bit_example_of_the_draft_is_read_and_made() {
        let statuses = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3];
        let read = StatusList::inflated(&bytes("78da3be9f2130003df0207")).unwrap();
        let mut made = StatusList::new(12).unwrap();
        for (index, value) in (0_u32..).zip(statuses) {
            made.set(index, Status::ALL[value]).unwrap();
            assert_eq!(read.get(index), Some(Status::ALL[value]));
        }
        assert_eq!(made.bytes(), [0xc9, 0x44, 0xf9]);
        assert_eq!(made, read);
        assert_eq!(StatusList::inflated(&made.compressed()).unwrap(), made);
    }

    #[test]
    fn an_index_beyond_the_end_is_neither_read_nor_written() {
        let mut list = StatusList::new(5).unwrap();
        assert_eq!(list.entries(), 8);
        assert_eq!(list.get(8), None);
        assert_eq!(
            list.set(8, Status::Invalid),
            Err(StatusError::OutOfRange {
                index: 8,
                entries: 8
            })
        );
        assert_eq!(StatusList::new(0), Err(StatusError::Entries(0)));
        let over = limits::STATUS_LIST_ENTRIES + 1;
        assert_eq!(StatusList::new(over), Err(StatusError::Entries(over)));
    }

    #[test]
    fn a_status_replaces_the_one_before_and_leaves_its_neighbours() {
        let mut list = StatusList::new(8).unwrap();
        for index in 0..8 {
            list.set(index, Status::Superseded).unwrap();
        }
        list.set(5, Status::Valid).unwrap();
        list.set(6, Status::Suspended).unwrap();
        assert_eq!(list.bytes(), [0xff, 0b1110_0011]);
    }

    #[test]
    fn a_bomb_and_damaged_bytes_are_refused() {
        let mut bomb = flate2::read::ZlibEncoder::new(
            std::io::repeat(0).take(1 << 24),
            flate2::Compression::best(),
        );
        let mut packed = Vec::new();
        bomb.read_to_end(&mut packed).unwrap();
        assert_eq!(StatusList::inflated(&packed), Err(StatusError::Bomb));

        let good = StatusList::new(64).unwrap().compressed();
        let trailing = [good.as_slice(), b"x"].concat();
        assert_eq!(
            StatusList::inflated(&trailing),
            Err(StatusError::Compressed)
        );
        let short = &good[..good.len() - 1];
        assert_eq!(StatusList::inflated(short), Err(StatusError::Compressed));
        assert_eq!(StatusList::inflated(b"plain"), Err(StatusError::Compressed));
    }
}
