# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
#
# Run by kernel.sh in the kernel's source.  6.1.192: a flush has no pieces of data, and the thread
# that does the disk's work goes through the pieces alone, so that no flush ever reached the file.
sed -i 's/^\(.*\)for (i = 0; !req->error && i < req->desc_cnt; i++)/\1if (req_op(req->req) == REQ_OP_FLUSH)\n\1\tdo_io(req, NULL);\n&/' \
    arch/um/drivers/ubd_kern.c
grep -q 'do_io(req, NULL)' arch/um/drivers/ubd_kern.c
