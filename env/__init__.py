"""The repair task: problems, actions, what is shown, the solver, the environment, its reward and its anchors."""
