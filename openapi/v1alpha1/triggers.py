"""What makes a step run again, and what switches it off: parts that several kinds share."""

from __future__ import annotations

from upright.openapi.meta import MicroTime, Model, Time, omit


class RestartOnSpec(Model):
    """Run again when one of these FileWatches saw a change or one of these UIButtons was clicked."""

    file_watches: tuple[str, ...] = omit(())
    ui_buttons: tuple[str, ...] = omit(())


class StartOnSpec(Model):
    """Run only after a click on one of these UIButtons, not before ``startAfter``."""

    start_after: Time | None = None
    ui_buttons: tuple[str, ...] = ()


class StopOnSpec(Model):
    """Stop when one of these UIButtons is clicked."""

    ui_buttons: tuple[str, ...] = omit(())


class ConfigMapDisableSource(Model):
    """The ConfigMap key whose value ``true`` switches the object off."""

    name: str
    key: str


class DisableSource(Model):
    """Where to look whether the object is switched off; ``everyConfigMap`` is off only if all of them are."""

    config_map: ConfigMapDisableSource | None = None
    every_config_map: tuple[ConfigMapDisableSource, ...] = omit(())


class DisableStatus(Model):
    """Whether the object is switched off, and why; ``state`` is Pending ("" on the wire), Enabled, Disabled or Error."""

    disabled: bool = False
    last_update_time: Time | None = None
    reason: str = ""
    state: str = omit("")


class StepWaiting(Model):
    """A step that has not begun."""

    reason: str = omit("")


class Condition(Model):
    """A condition in Kubernetes' form; ``status`` is True, False or Unknown."""

    type: str
    status: str
    last_transition_time: MicroTime | None = None
    reason: str = omit("")
    message: str = omit("")
