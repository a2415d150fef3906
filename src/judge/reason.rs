//! Why a grant does not serve: reasons of its Ready condition.

use super::refusal::Code;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident => $code:ident;)*) => {
        /// The first thing that stands against a grant.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[$doc])* $name),* }

        impl Reason {
            /// Every reason, in the order in which the checks are made.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The reason as conditions show it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            /// What a caller with this grant's credential is told.
            #[must_use]
            pub fn code(self) -> Code {
                match self { $(Self::$name => Code::$code),* }
            }
        }
    };
}

reasons! {
    /// A Revocation names its serial, now or ever.
    Revoked => GrantRevoked;
    /// A newer grant took its place.
    Superseded => GrantSuperseded;
    /// Its time is over.
    Expired => GrantExpired;
    /// The decision is no.
    Denied => GrantSuspended;
    /// The request is not there.
    RequestMissing => GrantSuspended;
    /// The request is not the one that was reviewed.
    RequestChanged => GrantSuspended;
    /// The request asks for another resource.
    ResourceMismatch => GrantSuspended;
    /// The resource is not there.
    ResourceMissing => GrantSuspended;
    /// The resource may not be shared.
    NotShared => GrantSuspended;
    /// The resource is not given out in the mode asked for.
    ModeNotOffered => GrantSuspended;
    /// A granted field was not asked for.
    FieldsNotRequested => GrantSuspended;
    /// A granted field is not in the catalogue.
    FieldsNotInCatalogue => GrantSuspended;
    /// Interface mode and no operation, or an operation in another mode.
    OperationsMissing => GrantSuspended;
    /// A granted operation was not asked for.
    OperationsNotRequested => GrantSuspended;
    /// A granted operation is not offered.
    OperationsNotOffered => GrantSuspended;
    /// The request lists users, the grant does not.
    UsersMissing => GrantSuspended;
    /// A granted user was not asked for.
    UsersNotRequested => GrantSuspended;
    /// What the approval means has changed.
    ResourceChanged => GrantSuspended;
    /// It ends after the last day asked for.
    OutlivesRequest => GrantSuspended;
    /// Personal data with neither consent per call nor a legal basis.
    ConsentMissing => GrantSuspended;
    /// A foreign developer without approval.
    DeveloperUnapproved => GrantSuspended;
    /// An approval does not count.
    ApprovalInvalid => GrantSuspended;
    /// Signatures are missing.
    Pending => GrantSuspended;
    /// An inspection suspended it, and nobody has signed it anew since.
    Suspended => GrantSuspended;
    /// Other terms were enforced under its serial.
    SerialTaken => GrantSuspended;
    /// Another fully signed grant has its serial.
    SerialAmbiguous => GrantSuspended;
    /// It claims to replace a grant of another resource, unit or system.
    SupersedesOther => GrantSuspended;
    /// Its time has not come.
    NotYetValid => GrantNotYetValid;
    /// Its serial is not on disk yet.
    Enforcing => GrantSuspended;
    /// The unit is barred.
    UnitRevoked => UnitRevoked;
    /// The system is barred.
    SystemRevoked => SystemRevoked;
}
