"""Any node written in another format: planned first, resumable, each stored unit written once."""

from __future__ import annotations

from iohub.convert.export import export, plan
from iohub.convert.options import Options
from iohub.convert.plan import ImagePlan, Plan
from iohub.convert.report import Report
from iohub.convert.targets import TARGETS, Target

__all__ = ["TARGETS", "ImagePlan", "Options", "Plan", "Report", "Target", "export", "plan"]
