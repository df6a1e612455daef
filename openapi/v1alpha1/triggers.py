"""What makes a step run again, and what switches it off: parts that several kinds share."""

from __future__ import annotations

from upright.openapi.meta import MicroTime, Model, Time, omit


class RestartOnSpec(Model):
    """Run again when one of these FileWatches saw a change or one of these UIButtons was clicked."""

    file_watches: tuple[str, ...] = omit(())
    """Names of FileWatches."""
    ui_buttons: tuple[str, ...] = omit(())
    """Names of UIButtons."""


class StartOnSpec(Model):
    """Run only after a click on one of these UIButtons, not before ``startAfter``."""

    start_after: Time | None = None
    """Clicks before this time do not count."""
    ui_buttons: tuple[str, ...] = ()
    """Names of UIButtons."""


class StopOnSpec(Model):
    """Stop when one of these UIButtons is clicked."""

    ui_buttons: tuple[str, ...] = omit(())
    """Names of UIButtons."""


class ConfigMapDisableSource(Model):
    """The ConfigMap key whose value ``true`` switches the object off."""

    name: str
    """The ConfigMap's name."""
    key: str
    """The key in it."""


class DisableSource(Model):
    """Where to look whether the object is switched off; ``everyConfigMap`` is off only if all of them are."""

    config_map: ConfigMapDisableSource | None = None
    """The one that decides."""
    every_config_map: tuple[ConfigMapDisableSource, ...] = omit(())
    """Those that decide together: it is off once all of them are."""


class DisableStatus(Model):
    """Whether the object is switched off, and why; ``state`` is Pending ("" on the wire), Enabled, Disabled or Error."""

    disabled: bool = False
    """It is switched off."""
    last_update_time: Time | None = None
    """Since when it is as it is."""
    reason: str = ""
    """Why it is as it is."""
    state: str = omit("")
    """Enabled, Disabled, Error; empty until that is known."""


class StepWaiting(Model):
    """A step that has not begun."""

    reason: str = omit("")
    """Why not."""


class Condition(Model):
    """A condition in Kubernetes' form; ``status`` is True, False or Unknown."""

    type: str
    """Which condition."""
    status: str
    """True, False or Unknown."""
    last_transition_time: MicroTime | None = None
    """Since when it is so."""
    reason: str = omit("")
    """A word for the cause."""
    message: str = omit("")
    """The cause in a sentence."""
