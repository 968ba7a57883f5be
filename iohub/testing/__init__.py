"""For tests of iohub and of plug-ins: stores that count what is asked, or refuse pixels."""
