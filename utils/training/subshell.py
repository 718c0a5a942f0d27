"""A channel of a widget whose messages a front-end may address to a thread of its own, a subshell of the kernel."""

from comm.base_comm import BaseComm
from IPython import get_ipython


class SubshellComm(BaseComm):
    """A comm that lets the front-end choose the thread which receives its messages.

    ipykernel's own comm (since 7.4) sends them to the thread that used the comm last, which is the one that trains.
    """

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        """Send a message to the front-end; called by `open`, `send` and `close`."""
        kernel = get_ipython().kernel
        content = {"data": data or {}, "comm_id": self.comm_id, **keys}
        kernel.session.send(kernel.iopub_socket, msg_type, content, metadata=metadata or {},
                            parent=kernel.get_parent(), ident=self.topic, buffers=buffers)  # fmt: skip
