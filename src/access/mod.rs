//! Who may do what: callers, roles and the table of permissions.

/// What an account does for its agency.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Role {
    /// Chuyên viên: prepares a result.
    CaseOfficer,
    /// Người có thẩm quyền: approves and signs.
    Signatory,
    /// Văn thư: numbers, seals, issues, changes the status.
    Registrar,
    /// Người kiểm tra: checks in the field.
    Inspector,
    /// Người giám sát: sees the checks.
    Supervisor,
    /// Runs the system; decides nothing about results.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::CaseOfficer,
        Self::Signatory,
        Self::Registrar,
        Self::Inspector,
        Self::Supervisor,
        Self::Admin,
    ];

    /// The name in the API and the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CaseOfficer => "case_officer",
            Self::Signatory => "signatory",
            Self::Registrar => "registrar",
            Self::Inspector => "inspector",
            Self::Supervisor => "supervisor",
            Self::Admin => "admin",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The one table of who may do what.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        use Permission::{ChangeStatus, Check, ConfirmChange, Issue, ReadChecks, ReadResult};
        match self {
            Self::CaseOfficer => matches!(permission, ReadResult),
            Self::Signatory => matches!(permission, ReadResult | ConfirmChange),
            Self::Registrar => {
                matches!(
                    permission,
                    Issue | ReadResult | ChangeStatus | ConfirmChange
                )
            }
            Self::Inspector => matches!(permission, Check),
            Self::Supervisor => matches!(permission, ReadResult | ReadChecks),
            Self::Admin => false,
        }
    }
}

/// Something that a caller must be allowed to do.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Permission {
    /// Issue a result of the caller's agency.
    Issue,
    /// Read a result of the caller's agency, with the fields that are not public.
    ReadResult,
    /// Decide about a result of the caller's agency: revoke, suspend, replace and so on.
    ChangeStatus,
    /// Confirm or reject what somebody else of the caller's agency asks for (four eyes).
    ConfirmChange,
    /// Record a check in the field; see the inspector's fields of what was scanned.
    Check,
    /// Read the checks of the caller's agency's results and people.
    ReadChecks,
}

/// Somebody who has shown who he is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Caller {
    /// The account's id.
    pub account: String,
    /// What the account does.
    pub role: Role,
    /// Code of the agency it does it for.
    pub agency: String,
}

/// Whose results somebody finds without their look-up codes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach<'a> {
    /// Those of every agency.
    Everywhere,
    /// Those of one agency.
    Agency(&'a str),
}

/// The caller's role does not allow it, or the thing belongs to another agency.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not allowed for this account")]
pub struct Forbidden;

impl Caller {
    /// Checks a permission that does not depend on whose thing it is.
    ///
    /// # Errors
    /// [`Forbidden`].
    pub fn require(&self, permission: Permission) -> Result<(), Forbidden> {
        if self.role.may(permission) {
            Ok(())
        } else {
            Err(Forbidden)
        }
    }

    /// Whose results the caller finds by what is printed on them: whoever checks in the field meets those of
    /// every agency, whoever reads results those of his own.
    ///
    /// # Errors
    /// [`Forbidden`].
    pub fn reach(&self) -> Result<Reach<'_>, Forbidden> {
        if self.role.may(Permission::Check) {
            return Ok(Reach::Everywhere);
        }
        self.require(Permission::ReadResult)?;
        Ok(Reach::Agency(&self.agency))
    }

    /// Checks a permission over a thing of `agency`.
    ///
    /// # Errors
    /// [`Forbidden`], also for things of other agencies.
    pub fn require_at(&self, permission: Permission, agency: &str) -> Result<(), Forbidden> {
        self.require(permission)?;
        if self.agency == agency {
            Ok(())
        } else {
            Err(Forbidden)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrar_acts_for_his_own_agency_only() {
        let caller = Caller {
            account: "a".into(),
            role: Role::Registrar,
            agency: "000.00.16.H99".into(),
        };
        assert_eq!(
            caller.require_at(Permission::Issue, "000.00.16.H99"),
            Ok(())
        );
        assert_eq!(
            caller.require_at(Permission::Issue, "000.00.13.H99"),
            Err(Forbidden)
        );
        assert_eq!(caller.require(Permission::Check), Err(Forbidden));
    }

    #[test]
    fn whoever_checks_finds_results_of_every_agency_and_the_admin_none() {
        let reach = |role| {
            let (account, agency) = ("a".into(), "000.00.16.H99".into());
            let caller = Caller {
                account,
                role,
                agency,
            };
            match caller.reach() {
                Ok(Reach::Everywhere) => "everywhere",
                Ok(Reach::Agency("000.00.16.H99")) => "own",
                Ok(Reach::Agency(_)) => "another",
                Err(Forbidden) => "none",
            }
        };
        assert_eq!(
            Role::ALL.map(reach),
            ["own", "own", "own", "everywhere", "own", "none"]
        );
    }

    #[test]
    fn only_the_registrar_issues_and_changes_the_status() {
        for role in Role::ALL {
            assert_eq!(role.may(Permission::Issue), role == Role::Registrar);
            assert_eq!(role.may(Permission::ChangeStatus), role == Role::Registrar);
            let confirms = matches!(role, Role::Registrar | Role::Signatory);
            assert_eq!(role.may(Permission::ConfirmChange), confirms);
            assert_eq!(Role::parse(role.name()), Some(role));
        }
    }
}
