"""For ``--external_plugins``: registers ordebug. Alone in its folder, which ms-swift puts first on ``sys.path``."""

from swift.rewards import orms
from swift.rollout import multi_turns
from swift.rollout.gym_env import envs

from ordebug.swift_recipes.grpo.gym_env import OrdebugEnv
from ordebug.swift_recipes.grpo.rewards import REWARDS
from ordebug.swift_recipes.grpo.scheduler import OrdebugScheduler

orms.update(REWARDS)
envs["ordebug"] = OrdebugEnv
multi_turns["ordebug"] = OrdebugScheduler
