"""What a job made, to look at or to download. Never run: each file says that it is data, and where it may be shown."""

from flask import Response, abort, request
from flask_login import login_required

from blueprints.jobs import bp
from blueprints.jobs.views import visible

SHOWN = ("image/svg+xml", "image/webp")


@bp.get("/jobs/<int:job_id>/files/<int:file_id>")
@login_required
def show_file(job_id, file_id):
    """Asked for its rights each time; a browser may keep it, and then asks whether it still may."""
    job = visible(job_id)
    file = next((each for each in job.outputs if each.id == file_id), None)
    if file is None:
        abort(404)
    shown = file.mime in SHOWN and "download" not in request.args
    answer = Response(mimetype=file.mime, headers={"Cache-Control": "private, no-cache"})
    answer.headers.set("Content-Disposition", "inline" if shown else "attachment", filename=file.name)
    answer.set_etag(
        f"{file.id}-{job.created_at.timestamp()}"
    )  # it never changes; a number alone might come again
    if answer.make_conditional(request).status_code != 304:
        answer.set_data(file.data)
    return answer
