"""What a lecturer needs: a chapter as slides, and its run sheet and hand-outs on paper."""
