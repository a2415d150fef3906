//! Where grants sit: a decision (a grant's name and serial) keeps its seat while tokens point at it, so
//! that a token leads to its grant by a number, without reading a single name.

use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::Slot;
use crate::judge::facts::Key;
use crate::judge::permit::Credential;
use crate::judge::served::Served;

/// Number of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::judge) struct SeatNumber(u32);

/// Every grant that is there, and the seats of those that tokens wait for.
#[derive(Debug, Default)]
pub(super) struct Seats {
    places: Vec<Seat>,
    /// Of each seat: its grant ready to serve. Apart and small, for it is what every call asks for.
    served: Vec<Option<Arc<Served>>>,
    free: Vec<SeatNumber>,
    names: HashMap<Key, Decisions>,
    taken: usize,
}

#[derive(Debug, Default)]
struct Seat {
    slot: Option<Slot>,
    /// Tokens point here: nobody else may ever sit here.
    kept: bool,
    /// The newest of them.
    token: Option<Arc<Credential>>,
}

/// The decisions that one name has borne.
#[derive(Debug, Default)]
struct Decisions {
    present: Option<SeatNumber>,
    /// Nearly always one.
    seats: SmallVec<[(Arc<str>, SeatNumber); 1]>,
}

impl Seats {
    /// Who sits on a seat now.
    pub fn at(&self, number: SeatNumber) -> Option<&Slot> {
        self.places.get(number.0 as usize)?.slot.as_ref()
    }

    /// The grant on a seat, while it serves.
    pub fn served(&self, number: SeatNumber) -> Option<&Arc<Served>> {
        self.served.get(number.0 as usize)?.as_ref()
    }

    pub fn number(&self, key: &Key) -> Option<SeatNumber> {
        self.names.get(key)?.present
    }

    /// Whether a seat is one that this name has borne.
    pub fn is_of(&self, key: &Key, number: SeatNumber) -> bool {
        self.names.get(key).is_some_and(|decisions| decisions.seats.iter().any(|(_, own)| *own == number))
    }

    pub fn get(&self, key: &Key) -> Option<&Slot> {
        self.at(self.number(key)?)
    }

    /// From now on a grant serves in this form, or not at all.
    pub fn serve(&mut self, key: &Key, served: Option<Arc<Served>>) {
        let place = self.number(key).and_then(|number| self.served.get_mut(number.0 as usize));
        if let Some(place) = place {
            *place = served;
        }
    }

    pub fn get_mut(&mut self, key: &Key) -> Option<&mut Slot> {
        let number = self.names.get(key)?.present?;
        self.places.get_mut(number.0 as usize)?.slot.as_mut()
    }

    /// Whoever sits on some of the seats, from this one on; nothing where there are no more seats.
    pub fn some(&self, from: usize, many: usize) -> Option<impl Iterator<Item = &Slot>> {
        let seats = self.places.get(from..from.saturating_add(many).min(self.places.len()));
        Some(seats.filter(|seats| !seats.is_empty())?.iter().filter_map(|seat| seat.slot.as_ref()))
    }

    /// The newest token that points at the seat of a grant that is there.
    pub fn token(&self, key: &Key) -> Option<&Arc<Credential>> {
        self.places.get(self.number(key)?.0 as usize)?.token.as_ref()
    }

    /// One more token points at a seat.
    pub fn point(&mut self, number: SeatNumber, token: &Arc<Credential>) {
        if let Some(seat) = self.places.get_mut(number.0 as usize)
            && seat.token.as_ref().is_none_or(|known| known.not_before < token.not_before)
        {
            seat.token = Some(token.clone());
        }
    }

    /// A token does not point at a seat any more. Which of the others is the newest now is for those to tell that are
    /// pointed there next: tokens are told one by one, or all of a grant together.
    pub fn unpoint(&mut self, number: SeatNumber, token: &Arc<Credential>) {
        if let Some(seat) = self.places.get_mut(number.0 as usize)
            && seat.token.as_ref().is_some_and(|known| Arc::ptr_eq(known, token))
        {
            seat.token = None;
        }
    }

    pub fn values(&self) -> impl Iterator<Item = &Slot> {
        self.places.iter().filter_map(|seat| seat.slot.as_ref())
    }

    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.values().map(|slot| &slot.grant.key)
    }

    pub fn len(&self) -> usize {
        self.taken
    }

    /// Seats a grant. One of the same name must have been removed before.
    pub fn insert(&mut self, slot: Slot) {
        let (key, serial) = (slot.grant.key.clone(), slot.grant.serial.clone());
        let number = self.of(&key, &serial);
        if let Some(seat) = self.places.get_mut(number.0 as usize)
            && seat.slot.replace(slot).is_none()
        {
            self.taken += 1;
        }
        if let Some(decisions) = self.names.get_mut(&key) {
            decisions.present = Some(number);
        }
    }

    pub fn remove(&mut self, key: &Key) -> Option<Slot> {
        let decisions = self.names.get_mut(key)?;
        let number = decisions.present.take()?;
        if let Some(served) = self.served.get_mut(number.0 as usize) {
            *served = None;
        }
        let seat = self.places.get_mut(number.0 as usize)?;
        let slot = seat.slot.take();
        self.taken -= usize::from(slot.is_some());
        if !seat.kept {
            decisions.seats.retain(|(_, other)| *other != number);
            self.free.push(number);
            if decisions.seats.is_empty() {
                self.names.remove(key);
            }
        }
        slot
    }

    /// The seat of a decision, kept for it from now on whether or not it is there.
    pub fn keep(&mut self, key: &Key, serial: &Arc<str>) -> SeatNumber {
        let number = self.of(key, serial);
        if let Some(seat) = self.places.get_mut(number.0 as usize) {
            seat.kept = true;
        }
        number
    }

    /// Sends everybody away; kept seats stay kept.
    pub fn vacate(&mut self) {
        let all: Vec<Key> = self.keys().cloned().collect();
        for key in all {
            self.remove(&key);
        }
    }

    fn of(&mut self, key: &Key, serial: &Arc<str>) -> SeatNumber {
        let decisions = self.names.entry(key.clone()).or_default();
        if let Some((_, number)) = decisions.seats.iter().find(|(own, _)| own == serial) {
            return *number;
        }
        let number = self.free.pop().unwrap_or_else(|| {
            self.places.push(Seat::default());
            self.served.push(None);
            SeatNumber(u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX))
        });
        decisions.seats.push((serial.clone(), number));
        number
    }
}
