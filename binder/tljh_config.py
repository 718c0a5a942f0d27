# For The Littlest JupyterHub: copy it to /opt/tljh/config/jupyterhub_config.d/course.py.
c = get_config()  # noqa: F821 - JupyterHub provides it
c.Spawner.start_timeout = 300  # seconds: when a class arrives at once, the last server takes over a minute
c.Spawner.http_timeout = 120
c.Spawner.environment = {"OMP_NUM_THREADS": "1"}  # with more, many kernels on few cores slow each other down
c.JupyterHub.concurrent_spawn_limit = 20
